/** What `boatload engine …` does. */
import type { EnginePatch } from '../../client/engines.ts';
import type { Engine } from '../../contract/engine.ts';
import type { ConnectionFlags } from '../connection.ts';
import { readEngineKey } from '../engine-key.ts';
import { EXIT } from '../exit.ts';
import { formatSeconds } from '../figures.ts';
import { idOf } from '../firectl/message.ts';
import { type Column, printTable, toText } from '../firectl/print.ts';
import type { Host } from '../host.ts';
import { openScreen } from '../screen.ts';
import { withSession } from '../session.ts';

/** A model of an engine under a name of ours: `served=name`, or just `served`. */
export interface ModelFlag {
  readonly servedAs: string;
  readonly model?: string;
}

interface JsonFlag {
  readonly json?: true;
}

/** What an engine is to be like, as it was given. */
export interface WishFlags extends ConnectionFlags, JsonFlag {
  readonly url?: string;
  readonly name?: string;
  readonly keyFile?: string;
  readonly model: readonly ModelFlag[];
  readonly limit?: number;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly anyway?: true;
}

/** `boatload engine add`. */
export const addEngine = (url: string, flags: WishFlags, host: Host): Promise<void> =>
  withSession(host, flags, async ({ client: { engines } }) => {
    const wish = toPatch(flags, await readEngineKey(flags.keyFile, host));
    const engine = await engines.create({ url, ...wish }, { id: flags.name, anyway: flags.anyway });
    await showWhole(engine, flags, host);
  });

/** `boatload engine update`. */
export const updateEngine = (name: string, flags: WishFlags, host: Host): Promise<void> =>
  withSession(host, flags, async ({ client: { engines } }) => {
    // One in the environment may be another engine's.
    const apiKey = flags.keyFile === undefined ? undefined : await readEngineKey(flags.keyFile, host);
    const wish = { ...(flags.url !== undefined && { url: flags.url }), ...toPatch(flags, apiKey) };
    await showWhole(await engines.update(name, wish, { anyway: flags.anyway }), flags, host);
  });

/** `boatload engine list`. */
export const listEngines = (flags: ConnectionFlags & JsonFlag, host: Host): Promise<void> =>
  withSession(host, flags, async ({ client: { engines } }) => {
    const all = await Array.fromAsync(engines.list());
    if (flags.json) for (const engine of all) host.stdout.write(`${JSON.stringify(engine)}\n`);
    else printTable(host.stdout, all, COLUMNS);
  });

/** `boatload engine get`. */
export const showEngine = (name: string, flags: ConnectionFlags & JsonFlag, host: Host): Promise<void> =>
  withSession(host, flags, async ({ client: { engines } }) => {
    const { views, models, ...engine } = await engines.get(name);
    if (flags.json) return void host.stdout.write(`${JSON.stringify({ ...engine, models, views })}\n`);
    host.stdout.write(`${toText(engine)}\n`);
    printTable(host.stdout, models, MODELS);
    if (views.length === 0) return;
    host.stdout.write('\n');
    printTable(host.stdout, views, VIEWS);
  });

/** `boatload engine test`; answers the exit code. */
export const testEngine = (name: string, flags: ConnectionFlags & { readonly model?: string }, host: Host): Promise<number> =>
  withSession(host, flags, async ({ client: { engines } }) => {
    const { ok, kind, models, model, durationMs, error } = await engines.test(name, { model: flags.model });
    const screen = await openScreen(host);
    if (kind !== null) screen.line(`${screen.colors.green('✓')} it is ${kind} and serves ${models.join(', ')}`);
    if (ok) screen.line(`${screen.colors.green('✓')} ${idOf(model)} answered in ${formatSeconds(durationMs)}`);
    else screen.line(`${screen.colors.red('✗')} ${error}`);
    return ok ? EXIT.ok : EXIT.failure;
  });

/** `boatload engine drain`, `resume` and `remove`. */
export const moveEngine = (
  { verb, name }: { readonly verb: 'drain' | 'resume' | 'remove'; readonly name: string },
  flags: ConnectionFlags,
  host: Host,
): Promise<void> =>
  withSession(host, flags, async ({ client: { engines } }) => {
    const screen = await openScreen(host);
    if (verb === 'remove') {
      await engines.delete(name);
      screen.line(`${screen.colors.green('✓')} ${idOf(name)} is removed; what it works on may finish`);
      return;
    }
    const { state, stateReason } = await engines[verb](name);
    screen.line(`${screen.colors.green('✓')} ${idOf(name)} is ${state}: ${stateReason}`);
  });

const toPatch = ({ model, limit, rpm, tpm }: WishFlags, apiKey: string | undefined): Omit<EnginePatch, 'url'> => ({
  ...(apiKey !== undefined && { apiKey }),
  ...(model.length > 0 && { models: [...model] }),
  ...(limit !== undefined && { maxInFlight: limit }),
  ...(rpm !== undefined && { requestsPerMinute: rpm }),
  ...(tpm !== undefined && { tokensPerMinute: tpm }),
});

async function showWhole(engine: Engine, { json }: JsonFlag, host: Host): Promise<void> {
  if (json) return void host.stdout.write(`${JSON.stringify(engine)}\n`);
  const screen = await openScreen(host);
  screen.line(`${screen.colors.green('✓')} ${idOf(engine.name)} is ${engine.kind} and serves:`);
  printTable(host.stdout, engine.models, MODELS);
}

const COLUMNS: readonly Column<Engine>[] = [
  ['ENGINE', ({ name }) => idOf(name)],
  ['STATE', ({ state }) => state],
  ['IN FLIGHT', ({ inFlight, limit }) => `${inFlight}/${limit}`],
  ['KIND', ({ kind }) => kind],
  ['MODELS', ({ models }) => someOf(models.map(({ model }) => idOf(model)))],
  ['URL', ({ url }) => url],
  ['WHY', ({ stateReason }) => stateReason],
];

const MODELS: readonly Column<Engine['models'][number]>[] = [
  ['MODEL', ({ model }) => idOf(model)],
  ['SERVED AS', ({ servedAs }) => servedAs],
  ['CONTEXT', ({ contextLength }) => String(contextLength ?? '')],
  ['CAN', ({ capabilities }) => capabilities.join(', ')],
];

const VIEWS: readonly Column<Engine['views'][number]>[] = [
  ['PROCESS', ({ process }) => process],
  ['MODEL', ({ model }) => idOf(model)],
  ['STATE', ({ state }) => state],
  ['IN FLIGHT', ({ inFlight, limit }) => `${inFlight}/${limit}`],
  ['SINCE', ({ since }) => since.slice(0, 19).replace('T', ' ')],
  ['WHY', ({ reason }) => reason],
  ['LAST ERROR', ({ lastError }) => lastError],
];

const SHOWN = 3;
const someOf = (names: readonly string[]): string =>
  names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`;
