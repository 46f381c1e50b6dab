/** A checker that finds nothing proves nothing: every way to break an output is named, alone among thousands of good rows. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerOf, digestOf, readQuestion, toReply } from '../../../src/torture/answers.ts';
import type { Call } from '../../../src/torture/call-log.ts';
import { checkJob, type Evidence, type JobNumbers, type ViolationKind } from '../../../src/torture/checker.ts';

type Dialect = Evidence['dialect'];
type End = 'answer' | 'failure' | 'absent';

/** Evidence whose parts can be broken. */
interface Job extends Evidence {
  readonly input: string[];
  readonly answers: string[];
  readonly errors: string[];
  readonly calls: Call[];
  readonly numbers: { -readonly [Name in keyof JobNumbers]: JobNumbers[Name] };
}

const PATH = '/v1/chat/completions';
const bodyOf = (row: number) => ({ messages: [{ role: 'user', content: `[[row-${row}]] What is ${row} and one?` }] });
const HEX = '0'.repeat(24);

function answerLine(dialect: Dialect, customId: string, body: string): string {
  const id = JSON.stringify(customId);
  if (dialect === 'fireworks') return `{"custom_id":${id},"response":${body}}`;
  return `{"id":"batch_req_${HEX}","custom_id":${id},"response":{"status_code":200,"request_id":"req_${HEX}","body":${body}},"error":null}`;
}

function failureLine(dialect: Dialect, customId: string): string {
  const id = JSON.stringify(customId);
  if (dialect === 'fireworks') return `{"custom_id":${id},"error":{"code":500,"message":"No.","type":"server_error"}}`;
  return `{"id":"batch_req_${HEX}","custom_id":${id},"response":{"status_code":500,"request_id":"req_${HEX}","body":{"error":{"message":"No."}}},"error":null}`;
}

const unfinishedLine = (customId: string): string =>
  `{"id":"batch_req_${HEX}","custom_id":${JSON.stringify(customId)},"response":null,"error":{"code":"batch_cancelled","message":"Not run."}}`;

/** A job that kept all its promises. Ids hold what could be taken for the marks between an id and an answer. */
function makeJob(dialect: Dialect, ends: readonly End[]): Job {
  const isWhole = !ends.includes('absent');
  const numbers = { rows: ends.length, succeeded: 0, failed: 0, inputTokens: 0, outputTokens: 0 };
  const job: Job = {
    dialect,
    input: [],
    answers: [],
    errors: [],
    calls: [],
    numbers: { ...numbers, outcome: isWhole ? 'COMPLETED' : 'CANCELLED' },
  };
  for (const [row, end] of ends.entries()) addRow(job, `","response":{"body":${row}}`, { row, end });
  return job;
}

function addRow(job: Job, customId: string, { row, end }: { readonly row: number; readonly end: End }): void {
  const { dialect, numbers } = job;
  const body = bodyOf(row);
  const { promptTokens, completionTokens } = answerOf(readQuestion(body));
  const text = JSON.stringify(toReply(PATH, body));
  const call = { at: row, endedAt: row, path: PATH, key: `row-${row}`, attempt: 1 };
  job.input.push(JSON.stringify({ custom_id: customId, body }));
  if (end === 'answer') {
    job.calls.push({ ...call, status: 200, complete: true, digest: digestOf(text), promptTokens, completionTokens });
    job.answers.push(answerLine(dialect, customId, text));
    numbers.succeeded += 1;
    numbers.inputTokens += promptTokens;
    numbers.outputTokens += completionTokens;
  } else if (end === 'failure') {
    job.calls.push({ ...call, fault: '500', status: 500, complete: false, promptTokens: 0, completionTokens: 0 });
    job.errors.push(failureLine(dialect, customId));
    numbers.failed += 1;
  } else if (dialect === 'openai') job.errors.push(unfinishedLine(customId));
}

const idOf = (line: string | undefined): string => JSON.parse(line ?? '').custom_id;
const replace = (lines: string[], at: number, toLine: (line: string) => string): void => {
  lines[at] = toLine(lines[at] ?? '');
};

const miscount =
  (name: 'rows' | 'succeeded' | 'failed' | 'inputTokens' | 'outputTokens', by: number) =>
  ({ numbers }: Job): void => {
    numbers[name] += by;
  };

/** Ways to break a job at its nth answer, and what must be found besides whatever follows from it. */
const BREAKS: Readonly<Record<string, { readonly kind: ViolationKind; readonly break: (job: Job, at: number) => void }>> = {
  'an answer is missing': {
    kind: 'lost',
    break: ({ answers }, at) => void answers.splice(at, 1),
  },
  'an answer is there twice': { kind: 'doubled', break: ({ answers }, at) => void answers.splice(at, 0, answers[at] ?? '') },
  'an answered row is a failure, too': {
    kind: 'doubled',
    break: ({ answers, errors, dialect }, at) => void errors.push(failureLine(dialect, idOf(answers[at]))),
  },
  'two answers have changed places': {
    kind: 'wrongly keyed',
    break: ({ answers, dialect }, at) => {
      const [one = '', two = ''] = [answers[at], answers[at + 1]];
      const bodyIn = (line: string) => JSON.stringify(JSON.parse(line).response.body ?? JSON.parse(line).response);
      answers.splice(at, 2, answerLine(dialect, idOf(one), bodyIn(two)), answerLine(dialect, idOf(two), bodyIn(one)));
    },
  },
  'an answer has an id of its own': {
    kind: 'wrongly keyed',
    break: ({ answers }, at) => replace(answers, at, (line) => line.replace('"custom_id":"', '"custom_id":"no-')),
  },
  'a word of an answer is another': {
    kind: 'not what the engine said',
    break: ({ answers }, at) =>
      replace(answers, at, (line) => line.replace('"assistant","content":"', '"assistant","content":"x')),
  },
  'a good answer became a failure': {
    kind: 'answered but failed',
    break: ({ answers, errors, dialect }, at) => void errors.push(failureLine(dialect, idOf(answers.splice(at, 1)[0]))),
  },
  'a line is torn': { kind: 'corrupt', break: ({ answers }, at) => replace(answers, at, (line) => line.slice(0, -20)) },
  'a line is of the other dialect': {
    kind: 'corrupt',
    break: ({ answers, dialect }, at) =>
      replace(answers, at, (line) => answerLine(dialect === 'openai' ? 'fireworks' : 'openai', idOf(line), '{}')),
  },
  'a failure stands among the answers': {
    kind: 'in the wrong file',
    break: ({ answers, dialect }, at) => replace(answers, at, (line) => failureLine(dialect, idOf(line))),
  },
  'two lines have changed places': {
    kind: 'out of order',
    break: ({ answers }, at) => void answers.splice(at, 2, answers[at + 1] ?? '', answers[at] ?? ''),
  },
  'one row too many is counted': { kind: 'counts differ', break: miscount('rows', 1) },
  'one answer too many is counted': { kind: 'counts differ', break: miscount('succeeded', 1) },
  'one failure too few is counted': { kind: 'counts differ', break: miscount('failed', -1) },
  'one token too many is billed': { kind: 'billed is not delivered', break: miscount('outputTokens', 1) },
  'one token too few is billed': { kind: 'billed is not delivered', break: miscount('inputTokens', -1) },
};

const anyEnds = fc
  .array(fc.constantFrom<End>('answer', 'answer', 'failure', 'absent'), { maxLength: 40 })
  .map((ends): End[] => [...ends, 'answer', 'answer']);
const anyDialect = fc.constantFrom<Dialect>('fireworks', 'openai');

describe('the checker', () => {
  test('finds nothing where every promise was kept', async () => {
    await fc.assert(
      fc.asyncProperty(anyDialect, anyEnds, async (dialect, ends) => {
        const { violations, figures } = await checkJob(makeJob(dialect, ends));
        expect(violations).toEqual([]);
        const count = (one: End) => ends.filter((end) => end === one).length;
        expect(figures).toMatchObject({
          rows: ends.length,
          answers: count('answer'),
          failures: count('failure'),
          unfinished: count('absent'),
        });
        expect(figures).toMatchObject({ calls: count('answer') + count('failure'), askedAgain: 0, answeredInVain: 0 });
        expect(figures.tokensWorked).toBe(figures.tokensDelivered);
      }),
    );
  });

  test.each(Object.entries(BREAKS))('sees that %s', async (_, { kind, break: breakIt }) => {
    await fc.assert(
      fc.asyncProperty(anyDialect, anyEnds, fc.nat(), async (dialect, ends, chance) => {
        const job = makeJob(dialect, ends);
        breakIt(job, chance % (job.answers.length - 1));
        const { found } = await checkJob(job);
        expect([...found.keys()]).toContain(kind);
      }),
    );
  });

  test('lets an answer be lost on a line that broke, and not otherwise', async () => {
    const job = makeJob('fireworks', ['answer', 'answer']);
    job.errors.push(failureLine('fireworks', idOf(job.answers.pop())));
    Object.assign(job.numbers, { succeeded: 1, failed: 1 });
    expect([...(await checkJob(job)).found.keys()]).toContain('answered but failed');
    expect([...(await checkJob({ ...job, isLossy: true })).found.keys()]).not.toContain('answered but failed');
  });

  test('says what crashes cost: rows asked again after a whole answer, and answers that came too late', async () => {
    const job = makeJob('openai', ['answer', 'absent', 'answer']);
    const [first, last] = job.calls;
    if (first === undefined || last === undefined) throw new Error('There are two calls.');
    job.calls.push({ ...first, attempt: 2 }, { ...last, key: 'row-1' });
    const { violations, figures } = await checkJob(job);
    expect(violations).toEqual([]);
    expect(figures).toMatchObject({ calls: 4, askedAgain: 1, answeredInVain: 1 });
    expect(figures.tokensWorked).toBeGreaterThan(figures.tokensDelivered);
  });

  test('takes what was said with line ends inside, and never believes absurd counts of tokens', async () => {
    const job = makeJob('fireworks', ['answer']);
    const reply = { ...toReply(PATH, bodyOf(0)), usage: { prompt_tokens: 1e15, completion_tokens: 'many' } };
    const text = JSON.stringify(reply, undefined, '\r\n');
    job.calls.splice(0, 1, { ...(job.calls[0] as Call), fault: 'absurd-usage', digest: digestOf(text) });
    job.answers[0] = answerLine('fireworks', idOf(job.input[0]), text.replaceAll(/[\r\n]/g, ' '));
    Object.assign(job.numbers, { inputTokens: 0, outputTokens: 0 });
    expect((await checkJob(job)).violations).toEqual([]);
  });

  test('names 20 of a kind and counts the rest', async () => {
    const job = makeJob(
      'fireworks',
      Array.from({ length: 100 }, () => 'answer'),
    );
    job.answers.length = 0;
    const { violations, found } = await checkJob(job);
    expect(found.get('lost')).toBe(100);
    expect(violations.filter(({ kind }) => kind === 'lost')).toHaveLength(20);
  });
});
