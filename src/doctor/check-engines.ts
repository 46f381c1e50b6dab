/** The engines of the flags and settings, and those that the database names for all: whether they can be reached, and what they serve. */
import { openSealedKey } from '../actions/seal-key.ts';
import { lookAtPostgres } from '../db/look-at-postgres.ts';
import type { Engine } from '../db/schema.ts';
import { openUpstream, type UpstreamOptions } from '../engines/upstream.ts';
import { readText } from '../settings/settings.ts';
import { toSecret } from '../settings/to-secret.ts';
import { fault, toFault, warning, well } from './observe.ts';
import type { Observation, Patient } from './patient.ts';

const MOST_NAMED = 10;

/** One that the database names is a warning: the others go on without it. */
export async function checkEngines(patient: Patient): Promise<readonly Observation[]> {
  const own = patient.engines.filter((engine) => engine !== 'echo').map((baseUrl) => askOwn(baseUrl));
  const shared = (await readShared(patient)).map((engine) => askShared(engine, patient));
  const seen = await Promise.all([...own, ...shared]);
  return seen.length > 0 ? seen : [well('none but those that come with Boatload')];
}

/** Where the database can't be used, its own check says so. */
async function readShared({ settings, through }: Patient): Promise<readonly Engine[]> {
  const url = readText(settings, 'DATABASE_URL');
  if (url === undefined || through.length > 0) return [];
  const { engines } = await lookAtPostgres(url).catch(() => ({ engines: [] }));
  return engines;
}

/** A server does not start while it does not answer. */
const askOwn = (baseUrl: string): Promise<Observation> => ask({ baseUrl }).catch(toFault);

async function askShared(engine: Engine, { settings }: Patient): Promise<Observation> {
  const { accountId, id, url, sealedKey, draining } = engine;
  const name = `accounts/${accountId}/engines/${id}`;
  if (draining) return well(`${name} is drained`, { name });
  const apiKey = sealedKey === null ? undefined : openKey(engine, sealedKey, readText(settings, 'BOATLOAD_SECRET'));
  if (sealedKey !== null && apiKey === undefined)
    return warning({
      code: 'ENGINE_KEY_UNREADABLE',
      message: `The key of ${name} was kept under another BOATLOAD_SECRET.`,
      remedy: 'Give all processes the same secret, or the engine its key again: boatload engine update --key-file …',
      details: { name },
    });
  try {
    return await ask({ baseUrl: url, guarded: true, ...(apiKey !== undefined && { apiKey }) });
  } catch (cause) {
    const { code, message } = toFault(cause);
    return warning({
      code,
      message: `${name}: ${message}`,
      remedy: 'Start it again, or take it away: boatload engine drain',
      details: { name },
    });
  }
}

const openKey = (engine: Engine, sealed: string, secret: string | undefined): string | undefined =>
  secret === undefined ? undefined : openSealedKey(toSecret(secret), engine, sealed);

async function ask(options: UpstreamOptions): Promise<Observation> {
  const upstream = openUpstream(options);
  try {
    const models = (await upstream.models()).map(({ id }) => id);
    const details = { engine: upstream.name, models };
    if (models.length === 0)
      return fault({
        code: 'ENGINE_SERVES_NOTHING',
        message: `The engine at ${upstream.name} serves no model.`,
        remedy: 'Load one there.',
        details,
      });
    const more = models.length > MOST_NAMED ? ` and ${models.length - MOST_NAMED} more` : '';
    return well(`${upstream.name} serves ${models.slice(0, MOST_NAMED).join(', ')}${more}`, details);
  } finally {
    await upstream.close();
  }
}
