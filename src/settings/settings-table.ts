/** Every setting: what it is called, what it may be, what holds without it. The reading, the config file and the table in `docs/settings.md` come from here. */
import { DEFAULT_LIMITS } from '../actions/context.ts';
import { UNLOAD_IDLE_MS } from '../engines/embedded/loading.ts';
import { DEFAULT_WORKER_LIMITS } from '../worker/worker-context.ts';

/** What a value may be: a whole number (above 0 where nothing else is said), yes or no, any text, several texts (in the environment with commas between them). */
type Kind = 'count' | 'switch' | 'text' | 'list';

export interface Setting {
  readonly kind: Kind;
  /** What it counts, or what the text is. */
  readonly unit: string;
  /** What holds without it: in its unit, or in words. */
  readonly fallback: number | string;
  readonly meaning: string;
  /** The smallest number; default 1. */
  readonly least?: 0;
  /** Never shown; may be given as a file that holds it. */
  readonly secret?: true;
}

const count = (unit: string, fallback: number | string, meaning: string): Setting => ({ kind: 'count', unit, fallback, meaning });
const toggle = (meaning: string): Setting => ({ kind: 'switch', unit: '1 or 0', fallback: 0, meaning });
const text = (unit: string, fallback: string, meaning: string): Setting => ({ kind: 'text', unit, fallback, meaning });
const list = (unit: string, meaning: string): Setting => ({ kind: 'list', unit, fallback: 'none', meaning });
const secret = (unit: string, meaning: string): Setting => ({ ...text(unit, 'none', meaning), secret: true });

const { window, quotas } = DEFAULT_LIMITS;

/** The settings of `up`, `serve`, `worker` and `migrate`, by the name of their environment variable. */
export const SETTING_GROUPS = {
  'Limits of the server': {
    BOATLOAD_MAX_DATASET_BYTES: count(
      'bytes',
      DEFAULT_LIMITS.datasetBytes,
      'Most that a dataset may hold; checked while it comes in',
    ),
    BOATLOAD_MAX_OUTPUT_BYTES: count(
      'bytes',
      DEFAULT_WORKER_LIMITS.outputBytes,
      'A job whose results reach this ends as EXPIRED, with what it has',
    ),
    BOATLOAD_JOB_WINDOW_SECONDS: count('seconds', window.defaultSeconds, 'Time that a job gets, from its creation on'),
    BOATLOAD_MIN_JOB_WINDOW_SECONDS: count('seconds', window.minSeconds, 'Least that a job may ask for'),
    BOATLOAD_MAX_JOB_WINDOW_SECONDS: count('seconds', window.maxSeconds, 'Most that a job may ask for'),
    BOATLOAD_MAX_LIVE_BYTES: count(
      'bytes',
      DEFAULT_LIMITS.liveBytes,
      'Largest live request; an account may have four such under way',
    ),
    BOATLOAD_LIVE_QUEUE: count('requests', 128, 'How many live requests may wait for a model; more are sent away with 429'),
    BOATLOAD_DRAIN_SECONDS: count(
      'seconds',
      DEFAULT_WORKER_LIMITS.drainMs / 1000,
      'How long rows in flight may take to finish after SIGTERM',
    ),
    BOATLOAD_HEDGE_SECONDS: count(
      'seconds',
      'never',
      'The last rows of a job in flight that take this long, and far longer than the others, are asked a second time; engines may bill both',
    ),
  },
  'Quotas of each account': {
    BOATLOAD_QUOTA_BATCH_JOBS_ACTIVE: count('jobs', quotas['batch-jobs-active'], 'Jobs that have not ended'),
    BOATLOAD_QUOTA_DATASET_BYTES: count('bytes', quotas['dataset-bytes'], 'All datasets together'),
    BOATLOAD_QUOTA_MODEL_BYTES: count('bytes', quotas['model-bytes'], 'All uploaded models together'),
  },
  Switches: {
    BOATLOAD_ANY_PARAMETERS: toggle('Request fields that are not known go to the engine; otherwise they are refused'),
    BOATLOAD_ACCEPT_IDLE_MODELS: toggle('Jobs wait for a model that no engine serves yet; otherwise they are refused'),
    BOATLOAD_REQUIRE_EXAMPLE_COUNT: toggle('A new dataset must announce how many rows it will have'),
    BOATLOAD_WEBHOOKS_ALLOW_PRIVATE: toggle('Webhooks may point into private networks'),
  },
  'Models and prices': {
    BOATLOAD_ENGINES: list('URLs', 'OpenAI-compatible servers, as `--engine`; flags go before it'),
    BOATLOAD_MODELS: list('names or files', 'Models to serve here, as `--model`; flags go before it'),
    BOATLOAD_PUBLIC_KEEPERS: {
      ...list('accounts', 'Whose admins pull and delete models for everybody, beside those of the account `boatload` itself'),
      fallback: '`local` for `up`, else none',
    },
    BOATLOAD_MODEL_LOAD_SECONDS: count(
      'seconds',
      '120, and one for every 16 MiB of its file',
      'How long a model may take to load before its process is ended',
    ),
    BOATLOAD_UNLOAD_IDLE_SECONDS: {
      ...count(
        'seconds',
        UNLOAD_IDLE_MS / 1000,
        'How long nobody asks a model in the embedded engine until it leaves the memory, to be loaded again by the next request; 0: never',
      ),
      least: 0,
    },
    BOATLOAD_MODEL_MEMORY_BYTES: count(
      'bytes',
      'what the machine has',
      'How much memory the models in the embedded engine may take together, by what they are reckoned to need; where it is too little for all, idle ones make room, and busy ones take turns',
    ),
    BOATLOAD_FUSED_ATTENTION: toggle(
      'The embedded engine computes attention fused: faster, but with temperature 0 a row may answer otherwise beside others than alone',
    ),
    BOATLOAD_HUB_URL: text(
      'URL',
      '`https://huggingface.co`',
      'Where `hf:` addresses and the catalogue lead; the one private address that models may be fetched from',
    ),
    BOATLOAD_HUB_TOKEN: secret('key of the hub', 'For models that the hub gives only to some; sent to nobody else'),
    BOATLOAD_PRICES: text(
      'JSON file',
      'none',
      'What tokens cost, for bills: `{"currencyCode": "EUR", "models": {"tickets": {"inputPerMillion": 0.2, "outputPerMillion": 0.6}}}`',
    ),
  },
  'Doors and places': {
    BOATLOAD_LISTEN_HOST: text('address', '127.0.0.1', 'Where to listen, as `--host`'),
    BOATLOAD_LISTEN_PORT: count('port', '8080, or the next free one', 'Where the API listens, as `--port`'),
    BOATLOAD_HEALTH_PORT: count(
      'port',
      'none',
      'Where `/healthz`, `/readyz` and `/metrics` are answered beside the API, as `--health-port`',
    ),
    BOATLOAD_PUBLIC_URL: text('URL', 'where it listens', 'What callers call the API by, for `serve`'),
    BOATLOAD_DATA_DIR: text(
      'folder',
      '`~/.local/share/boatload`',
      'Where `up` keeps everything, and where commands look for it; a worker keeps its journal there',
    ),
  },
  'What a fleet shares': {
    DATABASE_URL: secret(
      '`postgres://user:password@host/name`',
      'The database of `serve`, `worker` and `migrate`: PostgreSQL 14 or newer',
    ),
    OBJECT_STORE: text(
      '`s3://bucket/folder?endpoint=https://…&region=…`',
      'none',
      'Where files live; its keys are `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or whatever else AWS knows. Or `file:/folder` on a disk that all processes share',
    ),
    BOATLOAD_API_URL: list(
      'URLs',
      'API processes through which a `worker` without DATABASE_URL has its leases, as `--through`; when one is away the next is asked',
    ),
    BOATLOAD_SECRET: secret(
      '32 characters or more',
      'A random text from which links and webhooks are signed: `openssl rand -hex 32`',
    ),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Setting>>>>;

type Groups = typeof SETTING_GROUPS;
/** The name of an environment variable that is a setting. */
export type SettingName = { [Group in keyof Groups]: keyof Groups[Group] }[keyof Groups] & string;

/** All of them, in the order of the document. */
export const SETTINGS: Readonly<Record<SettingName, Setting>> = Object.assign({}, ...Object.values(SETTING_GROUPS));

/** `BOATLOAD_MAX_DATASET_BYTES` is `maxDatasetBytes` in a config file, `DATABASE_URL` is `databaseUrl`. */
export const toKey = (name: string): string =>
  name
    .replace(/^BOATLOAD_/, '')
    .toLowerCase()
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What it may be, and an error says was expected. */
export const toExpectation = ({ kind, unit, least }: Setting): string => {
  if (kind === 'count')
    return unit === 'port' ? 'a port number, from 1 to 65535' : `a whole number of ${unit}${least === 0 ? '' : ' above 0'}`;
  if (kind === 'switch') return '1 or 0';
  return kind === 'list' ? `a list of ${unit}` : `text: ${unit.replaceAll('`', '')}`;
};

/** Whether a text that is not empty may stand for it. */
export const fits = ({ kind, unit, least }: Setting, value: string): boolean => {
  if (kind === 'switch') return /^(?:1|true|0|false)$/.test(value);
  if (kind !== 'count') return true;
  const number = Number(value);
  return /^\d+$/.test(value) && Number.isSafeInteger(number) && number >= (least ?? 1) && (unit !== 'port' || number < 65_536);
};
