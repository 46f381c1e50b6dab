/** The line that moves while a file is sent or fetched. */
import type { OnTransfer } from '../client/transfer.ts';
import { drawBusy } from './bar.ts';
import type { Host } from './host.ts';
import { openScreen } from './screen.ts';

const REDRAW_EVERY_MS = 100;

/** Shows `↑ prompts.jsonl ███░░░ 31 % …` while `transfer` goes on; on a pipe, or when `quiet`, nothing. */
export async function withTransferBar<T>(
  { host, what, quiet }: { readonly host: Host; readonly what: string; readonly quiet: boolean },
  transfer: (onProgress: OnTransfer) => Promise<T>,
): Promise<T> {
  const screen = quiet ? undefined : await openScreen(host);
  const beganAtMs = host.now();
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  const onProgress: OnTransfer = (progress) => {
    if (host.now() - drawnAtMs < REDRAW_EVERY_MS) return;
    drawnAtMs = host.now();
    screen?.draw(drawBusy({ what, ...progress }, drawnAtMs - beganAtMs));
  };
  try {
    return await transfer(onProgress);
  } finally {
    screen?.clear();
  }
}
