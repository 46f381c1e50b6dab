/** What `boatload export` and `import` do: open the door, show how far it is, and say what came of it. */
import type { CommandContext } from './command.ts';
import type { Doors, MoveRequest, MoveView } from './doors.ts';
import { EXIT } from './exit.ts';
import { formatBytes, formatCount, formatRows } from './figures.ts';
import { MovingLine } from './moving-line.ts';
import { openScreen } from './screen.ts';

type Direction = keyof Pick<Doors, 'exportTo' | 'importFrom'>;

interface MoveFlags extends MoveRequest {
  readonly json?: true;
}

/** Resolves with the exit code; throws what the door throws. */
export async function move(
  direction: Direction,
  { json, ...request }: MoveFlags,
  { host, roof }: CommandContext,
): Promise<number> {
  const screen = await openScreen(host);
  const line = new MovingLine({ host, screen, hint: () => '' });
  const view: MoveView = {
    opened: (place) => screen.line(`${direction === 'exportTo' ? 'from' : 'to'} ${place}`),
    busy: (busy) => line.busy(busy),
    notice: (message) => screen.line(`${screen.colors.yellow('!')} ${message}`),
  };
  try {
    const facts = await (await roof.doors())[direction](request, view);
    line.clear();
    if (json === true) host.stdout.write(`${JSON.stringify(facts)}\n`);
    const { archive, rows, objects, bytes, unfinishedJobs } = facts;
    const what = `${formatRows(rows)}, ${formatCount(objects)} objects of ${formatBytes(bytes)}`;
    screen.line(`${screen.colors.green('✓')} ${direction === 'exportTo' ? archive : 'imported'}: ${what}`);
    if (unfinishedJobs > 0) screen.line(`  ${formatCount(unfinishedJobs)} unfinished jobs ${GO_ON[direction]}`);
    return EXIT.ok;
  } finally {
    line.close();
  }
}

const GO_ON: Readonly<Record<Direction, string>> = {
  exportTo: 'go on where the archive is imported, and must not go on here',
  importFrom: 'go on as soon as a server or a worker is started here',
};
