/** A terminal or a pipe: lines that stay, and on a terminal one block below them that is drawn again and again. */
import picocolors from 'picocolors';
import type { Host, Output } from './host.ts';

export type Colors = ReturnType<typeof picocolors.createColors>;

export interface Screen {
  /** True when the live block is shown: a terminal with somebody in front of it. */
  readonly live: boolean;
  readonly colors: Colors;
  readonly columns: number;
  /** A line that stays, above the live block. */
  line(text: string): void;
  /** Replaces the live block. Does nothing on a pipe. */
  draw(block: string): void;
  /** Takes the live block away. */
  clear(): void;
}

/** Opens stderr, where everything that is not data goes. */
export async function openScreen(host: Host): Promise<Screen> {
  const output = host.stderr;
  const colors = picocolors.createColors(wantsColor(host.env, output));
  return canRedraw(host.env, output) ? openTerminal(output, colors) : openPipe(output, colors);
}

/** https://no-color.org and https://force-color.org: NO_COLOR wins, any value of FORCE_COLOR but 0 or false counts. */
export function wantsColor(env: Host['env'], output: Output): boolean {
  if (isSet(env['NO_COLOR'])) return false;
  if (env['FORCE_COLOR'] !== undefined) return !isOff(env['FORCE_COLOR']);
  return output.isTTY === true && env['TERM'] !== 'dumb';
}

/** A CI log may call itself a terminal, but nobody watches it move. */
const canRedraw = (env: Host['env'], output: Output): boolean =>
  output.isTTY === true && env['TERM'] !== 'dumb' && (!isSet(env['CI']) || isOff(env['CI']));

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';
const isOff = (value: string | undefined): boolean => value === '0' || value === 'false';

async function openTerminal(output: Output, colors: Colors): Promise<Screen> {
  const { createLogUpdate } = await import('log-update');
  // The cursor stays visible: whatever ends the process, the terminal is left as it was.
  const update = createLogUpdate(output, { showCursor: true });
  let block = '';
  return {
    live: true,
    colors,
    get columns() {
      return output.columns ?? 80;
    },
    line: (text) => {
      update.persist(text);
      if (block !== '') update(block);
    },
    draw: (text) => {
      block = text;
      update(text);
    },
    clear: () => {
      if (block !== '') update.clear();
      block = '';
    },
  };
}

const openPipe = (output: Output, colors: Colors): Screen => ({
  live: false,
  colors,
  columns: output.columns ?? 80,
  line: (text) => {
    output.write(`${text}\n`);
  },
  draw: () => {},
  clear: () => {},
});
