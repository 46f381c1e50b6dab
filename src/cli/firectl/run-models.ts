/** What the operations on models do, beside those that every resource has. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../base/problem.ts';
import type { Client } from '../../client/client.ts';
import type { RemoteFile } from '../../client/download.ts';
import type { NewModel } from '../../client/models.ts';
import { waitUntil } from '../../client/wait.ts';
import type { Model } from '../../contract/model.ts';
import type { Host } from '../host.ts';
import { findFiles, type LocalFile, toUploadFile } from '../local-files.ts';
import { safeName } from '../safe-name.ts';
import { saveFile } from '../save-file.ts';
import { withSession } from '../session.ts';
import { withTransferBar } from '../transfer-bar.ts';
import { type Message, toMessage } from './message.ts';
import { argument, type Call, type Flag, textOf } from './operation.ts';
import { printResource } from './print.ts';
import { formatOf, waitTimeoutOf } from './run-standard.ts';
import type { Kind } from './standard.ts';

interface Definition {
  readonly kind: Kind<Model>;
  readonly importFlags: readonly Flag[];
}

/** Makes it, sends or imports its files, and prints it. */
export async function createModel(call: Call, { kind, importFlags }: Definition): Promise<void> {
  const { host, flags } = call;
  const path = argument(call, 1);
  const isRemote = /^(s3|https):\/\//.test(path);
  const files = isRemote ? [] : await findModelFiles(path);
  const request = { modelId: argument(call, 0), model: await toModel(call, kind.flags, files) };
  const print = { format: formatOf(flags), flags: kind.flags };
  if (flags['dryRun']) return printResource(host.stdout, request, { ...print, flags: [] });
  await withSession(host, flags, async ({ client }) => {
    // The flags make a model; the server checks what it is.
    const { name } = await client.models.create(request as NewModel);
    if (isRemote) await client.models.import(name, toSource(path, toMessage(importFlags, flags)));
    else await sendFiles(client, { call, name, files });
    printResource(host.stdout, await client.models.get(name), print);
  });
}

/** `upload`: the whole folder again, after an upload that broke off. */
export async function uploadModel(call: Call): Promise<void> {
  const files = await findModelFiles(argument(call, 1));
  await withSession(call.host, call.flags, ({ client }) => sendFiles(client, { call, name: argument(call, 0), files }));
}

const findModelFiles = (path: string): Promise<readonly LocalFile[]> =>
  findFiles(path, (name) => !name.split('/').some((part) => part.startsWith('.')));

interface Sending {
  readonly call: Call;
  readonly name: string;
  readonly files: readonly LocalFile[];
}

async function sendFiles(client: Client, { call: { host, flags }, name, files }: Sending): Promise<void> {
  const uploads = await Promise.all(files.map(toUploadFile));
  const bar = { host, quiet: flags['quiet'] === true, what: `↑ ${files.length} files` };
  const warnings = await withTransferBar(bar, (onProgress) => client.models.upload(name, uploads, { onProgress }));
  for (const warning of warnings) host.stderr.write(`${warning}\n`);
}

async function toModel(call: Call, own: readonly Flag[], files: readonly LocalFile[]): Promise<Message> {
  const { peftDetails, ...model } = toMessage(own, call.flags) as { readonly peftDetails?: Message };
  if (peftDetails !== undefined)
    return { ...model, kind: 'HF_PEFT_ADDON', peftDetails: { ...peftDetails, ...(await readAdapter(files)) } };
  const huggingfaceFiles = files.map(({ name }) => name);
  const details = files.some(({ name }) => name === 'config.json')
    ? { checkpointFormat: 'HUGGINGFACE', huggingfaceFiles }
    : { checkpointFormat: 'NATIVE' };
  return { ...model, kind: call.flags['embedding'] === true ? 'EMBEDDING_MODEL' : 'HF_BASE_MODEL', baseModelDetails: details };
}

/** An addon says in its folder what it changes. */
async function readAdapter(files: readonly LocalFile[]): Promise<Message> {
  const [only, second] = files;
  if (only?.name.endsWith('.gguf') && second === undefined) return readGgufAdapter(only);
  const config = files.find(({ name }) => name === 'adapter_config.json');
  if (config === undefined)
    throw new Problem('INVALID_ARGUMENT', 'Expected one .gguf file, or a folder with adapter_config.json in it, for an addon.', {
      reason: 'NO_ADAPTER_CONFIG',
    });
  const { r, target_modules: targetModules } = JSON.parse(await readFile(config.path, 'utf8'));
  return { r, targetModules };
}

async function readGgufAdapter({ path, name }: LocalFile): Promise<Message> {
  const { readGgufFile } = await import('../../engines/gguf-file.ts');
  const { readAdapter: readFacts } = await import('../../engines/gguf-adapter.ts');
  const facts = readFacts(await readGgufFile(path));
  if (facts !== undefined) return { r: facts.rank, targetModules: facts.modules };
  throw new Problem('INVALID_ARGUMENT', `${name} is no LoRA adapter. Leave --base-model out to make a model of it.`, {
    reason: 'NO_ADAPTER',
  });
}

/** `s3://bucket/path`, or `https://account.blob.core.windows.net/container/path`. */
function toSource(path: string, { awsS3Source, azureBlobSource }: Message): Message {
  const { protocol, host, pathname } = new URL(path);
  if (protocol === 's3:') return { awsS3Source: { s3Bucket: host, s3Path: pathname.slice(1), ...(awsS3Source ?? {}) } };
  const [, container = '', ...rest] = pathname.split('/');
  const [storageAccount = ''] = host.split('.');
  return { azureBlobSource: { storageAccount, container, path: rest.join('/'), ...(azureBlobSource ?? {}) } };
}

/** `download`. */
export async function downloadModel(call: Call): Promise<void> {
  const { host, flags } = call;
  await withSession(host, flags, async ({ client }) => {
    for (const file of await client.models.files(argument(call, 0)))
      await saveInto(argument(call, 1), { host, file, quiet: flags['quiet'] === true });
  });
}

interface Saving {
  readonly host: Host;
  readonly file: RemoteFile;
  readonly quiet: boolean;
}

async function saveInto(folder: string, { host, file, quiet }: Saving): Promise<void> {
  const path = join(folder, safeName(file.key));
  await withTransferBar({ host, quiet, what: `↓ ${file.key}` }, (onProgress) => saveFile(file, path, onProgress));
  host.stdout.write(`${path}\n`);
}

/** `prepare`. */
export async function prepareModel(call: Call): Promise<void> {
  const precision = textOf(call.flags, 'precision');
  await withSession(call.host, call.flags, async ({ client }) => {
    // The server knows its precisions.
    await client.models.prepare(argument(call, 0), (precision === undefined ? {} : { precision }) as object);
    await waitFor(client, call, ({ state }) => state === 'READY');
  });
}

/** `load-lora`. */
export async function loadAddon(call: Call): Promise<void> {
  const { flags } = call;
  await withSession(call.host, flags, async ({ client }) => {
    const { name } = await client.models.get(argument(call, 0));
    const [isPublic, replaceMergedAddon] = [
      flags['public'] === true || undefined,
      flags['replaceMergedAddon'] === true || undefined,
    ];
    await client.models.load({ model: name, deployment: textOf(flags, 'deployment'), public: isPublic, replaceMergedAddon });
    await waitFor(client, call, ({ deployedModelRefs }) => deployedModelRefs.length > 0);
  });
}

/** `unload-lora`. */
export async function unloadAddon(call: Call): Promise<void> {
  const deployment = textOf(call.flags, 'deployment');
  await withSession(call.host, call.flags, async ({ client }) => {
    const { deployedModelRefs } = await client.models.get(argument(call, 0));
    for (const ref of deployedModelRefs)
      if (deployment === undefined || ref.deployment === deployment) await client.models.unload(ref.name);
    await waitFor(client, call, (model) => model.deployedModelRefs.length === 0);
  });
}

/** `--wait`. */
async function waitFor(client: Client, call: Call, isSo: (model: Model) => boolean): Promise<void> {
  if (call.flags['wait'] !== true) return;
  await waitUntil(() => client.models.get(argument(call, 0)), isSo, { timeoutMs: waitTimeoutOf(call.flags) });
}
