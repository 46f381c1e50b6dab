/** `boatload models`. */
import { MODEL_UNLOADED, type Model, type ModelCatalogue } from '../../contract/model.ts';
import { PUBLIC_ACCOUNT } from '../../contract/names.ts';
import type { ConnectionFlags } from '../connection.ts';
import { formatBytes, formatCount } from '../figures.ts';
import { idOf } from '../firectl/message.ts';
import { type Column, printTable } from '../firectl/print.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';

/** Its flags as they were given. */
export interface ModelsFlags extends ConnectionFlags {
  readonly json?: true;
}

type Offered = ModelCatalogue['models'][number];

/** Prints what can run here, and what can be added. */
export async function models(flags: ModelsFlags, host: Host): Promise<void> {
  await withSession(host, flags, async ({ client }) => {
    const own = await Array.fromAsync(client.models.list());
    const everybodys = await Array.fromAsync(client.models.list({ accountId: PUBLIC_ACCOUNT }));
    const here = [...own, ...everybodys];
    const offered = toMissing(await client.models.catalogue(), here);
    if (flags.json) {
      for (const model of [...here, ...offered]) host.stdout.write(`${JSON.stringify(model)}\n`);
      return;
    }
    printTable(host.stdout, here, HERE);
    if (offered.length === 0) return;
    host.stdout.write('\nCan be added: boatload model pull <name>\n');
    printTable(host.stdout, offered, OFFERED);
  });
}

/** What the catalogue has beyond what is here: models, and further precisions of models. */
const toMissing = (catalogue: readonly Offered[], here: readonly Model[]): readonly Offered[] =>
  catalogue
    .map((entry) => {
      const known = here.filter(({ name }) => idOf(name) === entry.id).flatMap(({ precisions }) => precisions);
      return { ...entry, files: entry.files.filter(({ precision }) => !known.includes(precision)) };
    })
    .filter(({ state, files }) => state !== 'UPLOADING' && files.length > 0);

const HERE: readonly Column<Model>[] = [
  ['MODEL', ({ name }) => idOf(name)],
  ['STATE', stateOf],
  ['PRECISIONS', ({ precisions }) => precisions.join(', ')],
  ['CONTEXT', ({ contextLength }) => (contextLength === 0 ? '' : formatCount(contextLength))],
  ['TOOLS', ({ supportsTools }) => (supportsTools ? 'yes' : '')],
  ['WHOSE', ({ name, public: isPublic }) => (name.startsWith(`accounts/${PUBLIC_ACCOUNT}/`) || isPublic ? 'public' : 'own')],
];

const OFFERED: readonly Column<Offered>[] = [
  ['NAME', ({ id }) => id],
  [
    'SIZES, ABOUT',
    ({ files }) => files.map(({ precision, megabytes }) => `${precision} ${formatBytes(megabytes * 1e6)}`).join(', '),
  ],
  ['CONTEXT', ({ contextLength }) => formatCount(contextLength)],
  ['FOR', ({ tools, embeddings }) => (embeddings ? 'embeddings' : tools ? 'text, tools' : 'text')],
  ['LICENCE', ({ licence }) => licence],
];

function stateOf({ state, pull, supportsServerless, status }: Model): string {
  if (pull?.state === 'PULLING') return pull.totalBytes === '0' ? 'pulling' : `pulling ${percentOf(pull)} %`;
  if (pull?.state === 'CHECKING') return 'checking';
  if (pull?.state === 'FAILED') return 'pull failed';
  if (state !== 'READY') return 'uploading';
  if (!supportsServerless) return 'no engine';
  return status.message === MODEL_UNLOADED ? 'ready, unloaded' : 'ready';
}

const percentOf = ({ bytes, totalBytes }: NonNullable<Model['pull']>): number =>
  Math.floor((Number(bytes) / Number(totalBytes)) * 100);
