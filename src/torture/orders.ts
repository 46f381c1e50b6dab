/** What the user of a seed does with the API: makes datasets and jobs in either dialect, and fetches what came out. */
import type { Evidence, JobNumbers } from './checker.ts';
import type { Desk, Reply } from './desk.ts';
import type { Dialect } from './output-row.ts';

/** A job under way. */
export interface Order {
  readonly id: string;
  readonly dialect: Dialect;
  readonly input: readonly string[];
}

export interface Wish {
  /** Names the job, and stands in each of its rows. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly rows: number;
  /** OpenAI's dialect: the input comes as an upload in parts. */
  readonly inParts?: boolean;
  /** How long it may take; default a day. */
  readonly windowSeconds?: number;
}

const MODEL = 'torture';

/** Uploads the rows and starts the job. */
export const placeOrder = (desk: Desk, wish: Wish): Promise<Order> =>
  wish.dialect === 'openai' && wish.windowSeconds === undefined ? placeOpenai(desk, wish) : placeFireworks(desk, wish);

async function placeFireworks(desk: Desk, { name, dialect, rows, windowSeconds }: Wish): Promise<Order> {
  const input = makeRows({ name, rows, dialect: 'fireworks' });
  await desk.ask('POST', 'datasets', { datasetId: `${name}-in`, dataset: { userUploaded: {} } });
  await desk.ask('POST', `datasets/${name}-in:upload`, toForm(input));
  await desk.ask('POST', `batchInferenceJobs?batchInferenceJobId=${name}`, {
    model: MODEL,
    inputDatasetId: `${name}-in`,
    outputDatasetId: `${name}-out`,
    ...(windowSeconds === undefined ? {} : { maxJobDuration: `${windowSeconds}s` }),
  });
  return { id: name, dialect, input };
}

async function placeOpenai(desk: Desk, { name, dialect, rows, inParts }: Wish): Promise<Order> {
  const input = makeRows({ name, rows, dialect });
  const wish = {
    input_file_id: inParts ? await sendInParts(desk, input) : await sendWhole(desk, input),
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  };
  const batch = await desk.json('POST', '/v1/batches', wish);
  return { id: String(batch['id']).replace(/^batch_/, ''), dialect, input };
}

async function sendWhole(desk: Desk, input: readonly string[]): Promise<unknown> {
  const form = toForm(input);
  form.set('purpose', 'batch');
  return (await desk.json('POST', '/v1/files', form))['id'];
}

/** Two of them, parted in the midst of a line. */
async function sendInParts(desk: Desk, input: readonly string[]): Promise<unknown> {
  const bytes = Buffer.from(toText(input));
  const begun = { filename: 'in.jsonl', purpose: 'batch', bytes: bytes.length, mime_type: 'application/jsonl' };
  const { id } = await desk.json('POST', '/v1/uploads', begun);
  const middle = bytes.length >> 1;
  const partIds: unknown[] = [];
  for (const piece of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
    const form = new FormData();
    form.set('data', new Blob([piece]));
    partIds.push((await desk.json('POST', `/v1/uploads/${id}/parts`, form))['id']);
  }
  const { file } = await desk.json('POST', `/v1/uploads/${id}/complete`, { part_ids: partIds });
  return (file as Reply)['id']; // there once it is completed
}

/** Runs what a job has left over. */
export async function continueOrder(desk: Desk, order: Order, answered: ReadonlySet<string>): Promise<Order> {
  const id = `${order.id}-more`;
  await desk.ask('POST', `batchInferenceJobs?batchInferenceJobId=${id}`, {
    model: MODEL,
    inputDatasetId: `${order.id}-in`,
    outputDatasetId: `${id}-out`,
    continuedFromJobName: `accounts/${desk.account}/batchInferenceJobs/${order.id}`,
  });
  return { ...order, id, input: order.input.filter((line) => !answered.has(JSON.parse(line).custom_id)) };
}

/** The job as the API tells it. */
export const readOrder = (desk: Desk, { id }: Order): Promise<Reply> => desk.ask('GET', `batchInferenceJobs/${id}`);

const OUTCOME = /^JOB_STATE_(COMPLETED|FAILED|EXPIRED|CANCELLED)$/;

/** How it ended; undefined while it has not. */
export function outcomeOf(job: Reply): JobNumbers['outcome'] | undefined {
  const [, outcome] = OUTCOME.exec(String(job['state'])) ?? [];
  return outcome as JobNumbers['outcome'] | undefined; // one of the words above
}

/** Fetches everything that a judge needs but the engine's log. */
export async function collect(desk: Desk, order: Order, job: Reply): Promise<Omit<Evidence, 'calls'> & Files> {
  const outcome = outcomeOf(job) ?? 'FAILED';
  const progress = (job['jobProgress'] ?? {}) as Record<string, number>; // as the contract has it
  const numbers: JobNumbers = {
    outcome,
    rows: progress['totalInputRequests'] ?? 0,
    succeeded: progress['successfullyProcessedRequests'] ?? 0,
    failed: progress['failedRequests'] ?? 0,
    inputTokens: progress['inputTokens'] ?? 0,
    outputTokens: progress['outputTokens'] ?? 0,
  };
  const evidence = { dialect: order.dialect, numbers };
  // One that ended early may have ended before its input was read, and has no rows then, and in Fireworks' dialect no output.
  if (numbers.rows === 0 && outcome !== 'COMPLETED') return { ...evidence, input: [], answers: [], errors: [] };
  const files = order.dialect === 'openai' ? await readOpenaiFiles(desk, order) : await readFireworksFiles(desk, job);
  return { ...evidence, input: order.input, ...files };
}

type Files = Pick<Evidence, 'answers' | 'errors'> & { readonly answers: readonly string[]; readonly errors: readonly string[] };

async function readFireworksFiles(desk: Desk, job: Reply): Promise<Files> {
  const dataset = String(job['outputDatasetId']).split('/').at(-1);
  const { filenameToSignedUrls = {} } = await desk.ask('GET', `datasets/${dataset}:getDownloadEndpoint`);
  const links = Object.entries(filenameToSignedUrls as Record<string, string>);
  const read = async (isErrors: boolean): Promise<readonly string[]> => {
    const [, link] = links.find(([name]) => /error/.test(name) === isErrors) ?? [];
    return link === undefined ? [] : desk.lines(link);
  };
  return { answers: await read(false), errors: await read(true) };
}

async function readOpenaiFiles(desk: Desk, { id }: Order): Promise<Files> {
  const batch = await desk.json('GET', `/v1/batches/batch_${id}`);
  const read = async (name: string): Promise<readonly string[]> =>
    typeof batch[name] === 'string' ? desk.lines(`/v1/files/${batch[name]}/content`) : [];
  return { answers: await read('output_file_id'), errors: await read('error_file_id') };
}

const toForm = (lines: readonly string[]): FormData => {
  const form = new FormData();
  form.set('file', new Blob([toText(lines)]), 'in.jsonl');
  return form;
};

const toText = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

const FILLER = ' lorem ipsum dolor sit amet'.repeat(8);

/** Each row asks something that only it asks. */
const makeRows = ({ name, rows, dialect }: Pick<Wish, 'name' | 'rows' | 'dialect'>): readonly string[] =>
  Array.from({ length: rows }, (_, row) => {
    const content = `[[${name}-${row}]]${FILLER.slice(0, (row * 37) % FILLER.length)}`;
    const body = { messages: [{ role: 'user', content }], max_tokens: 32 };
    return JSON.stringify(
      dialect === 'openai'
        ? { custom_id: `${name}-${row}`, method: 'POST', url: '/v1/chat/completions', body: { model: MODEL, ...body } }
        : { custom_id: `${name}-${row}`, body },
    );
  });
