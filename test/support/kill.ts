/** Kills the program at moments that chance chooses, the same ones for the same seed. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Ended, type Program, type ProgramOptions, startBoatload } from './program.ts';

export interface KillOptions extends ProgramOptions {
  /** Those that meet the program alive. */
  readonly kills: number;
  readonly seed: number;
  /** Kills it in this phase alone; default: in each of them in turn. */
  readonly only?: 'start' | 'opening' | 'running' | 'ending';
  /** Told right before each kill. */
  readonly onKill?: (program: Program) => void;
}

export interface Killed {
  /** The run that was let end. */
  readonly last: Ended;
  /** What the program was doing at each kill, by the last that it had said. */
  readonly phases: readonly string[];
}

/** Of so many starts one kill at least must meet the program alive. */
const STARTS_PER_KILL = 3;

/** Starts the command again and again, kills it as often as is asked, and lets the last one end. One that ends before its kill is started once more. */
export async function killAgainAndAgain(
  args: readonly string[],
  { kills, seed, only, onKill, ...options }: KillOptions,
): Promise<Killed> {
  const random = makeRandom(seed);
  const phases: string[] = [];
  const wanted = PHASES.filter(({ name }) => only === undefined || name === only);
  for (let start = 0; phases.length < kills; start++) {
    if (start === STARTS_PER_KILL * kills) throw new Error(`Of ${start} starts only ${phases.length} met their kill alive.`);
    const program = startBoatload(args, options);
    const phase = wanted[start % wanted.length] ?? PHASES[0];
    await Promise.race([reach(program, phase), program.ended]);
    await Promise.race([delay(phase.spreadMs * random()), program.ended]);
    onKill?.(program);
    const { code, stderr } = await program.killAll();
    if (code !== null && code !== 0) throw new Error(`Not killed, but ended with ${code}:\n${stderr}`);
    if (code === null) phases.push(phase.name);
  }
  const last = await startBoatload(args, options).ended;
  if (last.code !== 0) throw new Error(`The last one ended with ${last.code ?? last.signal}:\n${last.stderr}`);
  return { last, phases };
}

interface Phase {
  readonly name: string;
  /** What the program says when it begins; nothing for its start. */
  readonly says?: RegExp;
  /** The kill comes within so long. */
  readonly spreadMs: number;
}

const PHASES: readonly [Phase, ...Phase[]] = [
  { name: 'start', spreadMs: 2_000 },
  { name: 'opening', says: /^boatload \d/m, spreadMs: 1_500 },
  { name: 'running', says: /engine ready/, spreadMs: 500 },
  { name: 'ending', says: /rows ·/, spreadMs: 600 },
];

const reach = (program: Program, { says }: Phase): Promise<unknown> =>
  says === undefined ? Promise.resolve() : program.says(says).catch(() => undefined);

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
