/** `model pull`. */
import { Problem } from '../../base/problem.ts';
import { waitUntil } from '../../client/wait.ts';
import type { Model } from '../../contract/model.ts';
import { withSession } from '../session.ts';
import { withTransferBar } from '../transfer-bar.ts';
import { idOf } from './message.ts';
import { argument, type Call, textOf } from './operation.ts';
import { printResource } from './print.ts';
import { formatOf } from './run-standard.ts';
import type { Kind } from './standard.ts';

/** Asks the server for it, and shows how it comes. It goes on when the command ends. */
export async function pullModel(call: Call, { flags: columns }: Kind<Model>): Promise<void> {
  const { host, flags } = call;
  const precision = textOf(flags, 'precision');
  const wish = {
    source: argument(call, 0),
    ...{ modelId: textOf(flags, 'name'), sha256: textOf(flags, 'sha256') },
    // The server knows its precisions.
    ...(precision !== undefined && { precisions: [precision] as never }),
  };
  await withSession(host, flags, async ({ client }) => {
    const begun = await client.models.pull(wish);
    const look = () => client.models.get(begun.name);
    const bar = { host, quiet: flags['quiet'] === true, what: `↓ ${idOf(begun.name)}` };
    const model =
      flags['wait'] === false
        ? begun
        : await withTransferBar(bar, (show) =>
            waitUntil(look, isOver, {
              onProgress: ({ pull }) => show({ bytes: Number(pull?.bytes ?? 0), totalBytes: Number(pull?.totalBytes ?? 0) }),
            }),
          );
    if (model.pull?.state === 'FAILED') throw failed(model);
    printResource(host.stdout, model, { format: formatOf(flags), flags: columns });
  });
}

/** One that is READY may get another precision. */
const isOver = ({ pull }: Model): boolean => pull === undefined || pull.state === 'FAILED' || pull.state === 'DONE';

const failed = ({ name, pull }: Model): Problem =>
  new Problem('FAILED_PRECONDITION', `${idOf(name)} could not be fetched: ${pull?.message ?? ''}`, { reason: 'PULL_FAILED' });
