/** What `boatload up`, `serve` and `worker` do: open the door, show what comes up, and wait for Ctrl-C or `q`. */

import type { CommandContext } from './command.ts';
import type { UpRequest } from './doors.ts';
import { EXIT } from './exit.ts';
import { openScreen } from './screen.ts';
import { listenForStop } from './stop-signals.ts';
import { ScreenUpView } from './up-view.ts';

/** The flags as they were given. */
export interface UpFlags {
  readonly port?: number;
  readonly host?: string;
  readonly dataDir?: string;
  readonly model: readonly string[];
  readonly engine: readonly string[];
  readonly json?: true;
  readonly healthPort?: number;
  readonly through?: readonly string[];
  readonly config?: string;
}

/** Resolves with the exit code when the server is down again; throws what the door throws. */
export async function startServer(
  door: 'up' | 'serve' | 'work',
  flags: UpFlags,
  { host, roof }: CommandContext,
): Promise<number> {
  const screen = await openScreen(host);
  const signals = listenForStop(host, () => view.stopping());
  const view = new ScreenUpView({ host, screen, json: flags.json === true, press: signals.press });
  try {
    const doors = await roof.doors();
    await doors[door](toUpRequest(flags), view, signals.stop);
    return EXIT.ok;
  } finally {
    view.close();
    signals.close();
  }
}

/** What the doors are asked. */
export const toUpRequest = ({ model, engine, json: _, ...given }: UpFlags): UpRequest => ({
  ...given,
  models: model,
  engines: engine,
});
