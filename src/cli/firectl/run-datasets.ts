/** `dataset create` and `dataset download`. */
import { join } from 'node:path';
import { Problem } from '../../base/problem.ts';
import type { NewDataset } from '../../client/datasets.ts';
import type { Dataset } from '../../contract/dataset.ts';
import { findFiles, isRowFile } from '../local-files.ts';
import { safeName } from '../safe-name.ts';
import { saveFile } from '../save-file.ts';
import { withSession } from '../session.ts';
import { withTransferBar } from '../transfer-bar.ts';
import { countRows, uploadDataset } from '../upload-dataset.ts';
import { type Message, toMessage } from './message.ts';
import { argument, type Call, type Flag, textOf } from './operation.ts';
import { printResource } from './print.ts';
import { formatOf } from './run-standard.ts';
import type { Kind } from './standard.ts';

interface Definition {
  readonly kind: Kind<Dataset>;
  readonly flags: readonly Flag[];
}

/** Makes it, sends its files when there are any, and prints it. */
export async function createDataset(call: Call, { kind, flags: own }: Definition): Promise<void> {
  const { host, flags, args } = call;
  if (flags['startTime'] ?? flags['endTime']) throw notTraced();
  const files = args[1] === undefined ? [] : await findFiles(args[1], isRowFile);
  const request = toRequest(call, own, files.length === 0 ? undefined : await countRows(files));
  const print = { format: formatOf(flags), flags: kind.flags };
  if (flags['dryRun']) return printResource(host.stdout, request, { ...print, flags: own });
  const dataset = await withSession(host, flags, ({ client }) =>
    files.length === 0
      ? client.datasets.create(request)
      : uploadDataset(client, { host, quiet: flags['quiet'] === true, dataset: request, files }),
  );
  printResource(host.stdout, dataset, print);
}

function toRequest(call: Call, own: readonly Flag[], rows: number | undefined): NewDataset {
  const { dataset = {}, ...rest } = toMessage(own, call.flags) as { readonly dataset?: Message };
  return {
    datasetId: argument(call, 0),
    dataset: {
      ...dataset,
      ...(rows !== undefined && { exampleCount: String(rows), userUploaded: {} }),
      ...(call.flags['evalProtocolOutput'] === true && { evalProtocol: {} }),
    },
    ...rest,
  };
}

/** Saves every file under `<output-dir>/dataset/<id>/` and prints its path; scripts read it there. */
export async function downloadDataset(call: Call): Promise<void> {
  const { host, flags } = call;
  const folder = textOf(flags, 'outputDir') ?? '.';
  const which = { lineage: flags['downloadLineage'] === true, merged: flags['merge'] === true };
  await withSession(host, flags, async ({ client }) => {
    for (const file of await client.datasets.files(argument(call, 0), which)) {
      const path = join(folder, safeName(file.key));
      const bar = { host, quiet: flags['quiet'] === true, what: `↓ ${file.key}` };
      await withTransferBar(bar, (onProgress) => saveFile(file, path, onProgress));
      host.stdout.write(`${path}\n`);
    }
  });
}

const notTraced = (): Problem =>
  new Problem('UNIMPLEMENTED', 'Datasets of traced requests are not offered here. Leave --start-time and --end-time out.', {
    reason: 'TRACES_NOT_OFFERED',
  });
