/** Settings that are missing, that make no sense, or that contradict each other. That each is of its kind has been seen when they were read. */
import { DEFAULT_LIMITS } from '../actions/context.ts';
import { readLimits, readWorkerLimits } from '../settings/read-limits.ts';
import { readPrices } from '../settings/read-prices.ts';
import { readCount, readText } from '../settings/settings.ts';
import type { SettingName } from '../settings/settings-table.ts';
import { fault, toFault, warning, well } from './observe.ts';
import { isOfFleet, type Observation, type Patient } from './patient.ts';

const FEWEST_CHARACTERS = 32;

/** All complaints at once. */
export async function checkSettings(patient: Patient): Promise<readonly Observation[]> {
  const complaints = (await Promise.all(RULES.map((rule) => runRule(rule, patient)))).flat();
  if (complaints.length > 0) return complaints;
  return [well(isOfFleet(patient) ? 'those of a fleet, and nothing is missing' : 'those of one machine')];
}

type Rule = (patient: Patient) => readonly Observation[] | Promise<readonly Observation[]>;

const runRule = async (rule: Rule, patient: Patient): Promise<readonly Observation[]> => {
  try {
    return await rule(patient);
  } catch (cause) {
    return [toFault(cause)];
  }
};

const RULES: readonly Rule[] = [
  findMissing,
  findShortSecret,
  findUnused,
  findPortsClash,
  findLimitsClash,
  findBadUrl,
  readTheRest,
];

function findMissing(patient: Patient): readonly Observation[] {
  const { settings, through } = patient;
  if (!isOfFleet(patient)) return [];
  const needed: readonly SettingName[] = [
    ...(through.length === 0 ? (['DATABASE_URL'] as const) : []),
    'OBJECT_STORE',
    'BOATLOAD_SECRET',
  ];
  const missing = needed.filter((name) => readText(settings, name) === undefined);
  return missing.map((name) =>
    fault({
      code: 'SETTING_MISSING',
      message: `${name} is not set, and a process of a fleet needs it.`,
      remedy: `Set ${name}, to the same in every process; or unset ${needed.filter((other) => !missing.includes(other)).join(' and ')} to run on one machine.`,
      details: { name },
    }),
  );
}

function findShortSecret({ settings }: Patient): readonly Observation[] {
  const { length } = readText(settings, 'BOATLOAD_SECRET') ?? ' '.repeat(FEWEST_CHARACTERS);
  if (length >= FEWEST_CHARACTERS) return [];
  const message = `BOATLOAD_SECRET should have ${FEWEST_CHARACTERS} characters or more, but has ${length}.`;
  return [fault({ code: 'SECRET_TOO_SHORT', message, remedy: 'Make one: openssl rand -hex 32' })];
}

function findUnused({ settings, through }: Patient): readonly Observation[] {
  if (through.length === 0 || readText(settings, 'DATABASE_URL') === undefined) return [];
  const message =
    'DATABASE_URL and BOATLOAD_API_URL are both set: a worker that has its leases from the API does not use the database.';
  return [
    warning({
      code: 'SETTING_UNUSED',
      message,
      remedy: 'Unset one of them for each process.',
      details: { name: 'DATABASE_URL' },
    }),
  ];
}

function findPortsClash({ port, healthPort }: Patient): readonly Observation[] {
  if (port === undefined || port === 0 || port !== healthPort) return [];
  const message = `The API and the health port are both to be ${port}.`;
  return [fault({ code: 'PORTS_CLASH', message, remedy: 'Give --health-port another number.' })];
}

function findLimitsClash({ settings }: Patient): readonly Observation[] {
  const largest = readCount(settings, 'BOATLOAD_MAX_DATASET_BYTES') ?? DEFAULT_LIMITS.datasetBytes;
  const all = readCount(settings, 'BOATLOAD_QUOTA_DATASET_BYTES') ?? DEFAULT_LIMITS.quotas['dataset-bytes'];
  if (largest <= all) return [];
  const message = `A dataset may have ${largest} bytes, but an account ${all} for all of its datasets.`;
  return [
    warning({
      code: 'LIMITS_CLASH',
      message,
      remedy: 'Raise BOATLOAD_QUOTA_DATASET_BYTES, or lower BOATLOAD_MAX_DATASET_BYTES.',
    }),
  ];
}

function findBadUrl({ settings }: Patient): readonly Observation[] {
  const url = readText(settings, 'BOATLOAD_PUBLIC_URL');
  if (url === undefined || /^https?:$/.test(URL.parse(url)?.protocol ?? '')) return [];
  const message = `BOATLOAD_PUBLIC_URL should be a URL like https://api.example, got "${url}".`;
  return [
    fault({ code: 'SETTING_INVALID', message, remedy: 'Correct it, or leave it out.', details: { name: 'BOATLOAD_PUBLIC_URL' } }),
  ];
}

/** What a start would refuse. */
async function readTheRest({ settings }: Patient): Promise<readonly Observation[]> {
  readLimits(settings);
  readWorkerLimits(settings);
  await readPrices(settings);
  return [];
}
