/**
 * `npm run quickstart`: a real batch on a real model, from nothing. Sorts the 60 support tickets of the sample with the model that comes along, says how many
 * answers are right (the sample's truth is known), and where everything is.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SAMPLE = relative(process.cwd(), join(ROOT, 'models/tickets/sample.jsonl'));
const ANSWERS = 'quickstart/answers.jsonl';

interface Ticket {
  readonly category: string;
  readonly sentiment: string;
  readonly urgent: boolean;
}

interface Answer {
  readonly custom_id: string;
  readonly response: { readonly choices: readonly { readonly message: { readonly content: string } }[] };
}

const readLines = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

function runBatch(): void {
  rmSync('quickstart', { recursive: true, force: true });
  mkdirSync('quickstart');
  console.error(`$ npx boatload run ${SAMPLE} -o ${ANSWERS} --model tickets\n`);
  const { status } = spawnSync(
    process.execPath,
    [join(ROOT, 'bin/boatload.js'), 'run', SAMPLE, '-o', ANSWERS, '--model', 'tickets'],
    { stdio: 'inherit' },
  );
  if (status !== 0) process.exit(status ?? 1);
}

/** How many answers are the ticket's truth in all three fields. */
function countRight(): { readonly right: number; readonly total: number } {
  const truth = new Map(
    readLines<{ readonly custom_id: string; readonly expected: Ticket }>(join(ROOT, 'models/tickets/sample.expected.jsonl')).map(
      ({ custom_id, expected }) => [custom_id, expected],
    ),
  );
  const answers = readLines<Answer>(ANSWERS);
  return { right: answers.filter((answer) => isRight(answer, truth.get(answer.custom_id))).length, total: truth.size };
}

function isRight({ response }: Answer, truth: Ticket | undefined): boolean {
  try {
    const said = JSON.parse(response.choices[0]?.message.content ?? '') as Ticket;
    return said.category === truth?.category && said.sentiment === truth.sentiment && said.urgent === truth.urgent;
  } catch {
    return false;
  }
}

runBatch();
const { right, total } = countRight();
console.error(`
${right} of ${total} tickets are sorted right, in category, sentiment and urgency. (The model is 0.9 MB, trained on made-up tickets like these; see models/tickets/MODEL_CARD.md.)

The answers are in ${ANSWERS}, one JSON object a line, in the order of ${SAMPLE}.

Next:
  Try a file of your own without any model:
    npx boatload run ${SAMPLE} -o echo.jsonl --engine echo
  Send it to vLLM, Ollama, llama-server, or any OpenAI-compatible URL:
    npx boatload run my.jsonl -o out.jsonl --engine http://127.0.0.1:8000/v1
  Start the server, with datasets, jobs and downloads over HTTP:
    npx boatload up`);
