/** `POST /v1/chat/completions`: read, and said. */
import { randomUUID } from 'node:crypto';
import { type Call, type Served, toUsage } from './call.ts';
import { type Fields, isFields, readBoolean, readFields, readNumber } from './fields.ts';
import type { Answer } from './generate.ts';
import { readMessages } from './read-messages.ts';
import { fitMaxTokens, readCommonOptions, toSeed } from './read-options.ts';
import { Refusal } from './refusal.ts';
import { checkFields } from './request-fields.ts';
import { endsThinking, ReasoningSplitter, type SplitText, splitReasoning } from './split-reasoning.ts';
import type { TokenLikelihood } from './token-likelihood.ts';

/** Understands a request; throws a `Refusal` that says what is wrong with it. */
export async function readChat(body: Fields, served: Served): Promise<Call> {
  checkFields(body, 'chat');
  refuseTools(body);
  const { sampling, seed, choices, ...options } = readCommonOptions(body, served.model);
  const topLogprobs = readTopLogprobs(body);
  const stream = readBoolean(body, 'stream') ?? false;
  const grammar = await served.grammars.of(body);
  const prompt = toPrompt(body, served);
  const maxTokens = fitMaxTokens(body, prompt, served.contextSize);
  const answers = Array.from({ length: choices }, (_, choice) => ({
    ...options,
    prompt,
    maxTokens,
    choices,
    topLogprobs,
    grammar: grammar?.(),
    sampling: { ...sampling, seed: toSeed(seed, choice) },
  }));
  return { answers, stream, ...makeSayings(served, answers) };
}

function toPrompt(body: Fields, { template }: Served) {
  const messages = readMessages(body);
  if (template === undefined) {
    throw new Refusal(
      'The model file holds no chat template. Ask it through /v1/completions, or use a model that was made for chat.',
    );
  }
  return template.toTokens({ messages, variables: toVariables(body) });
}

/** What a template may ask for: whether and how hard to think, and whatever the request hands it. */
function toVariables(body: Fields): Fields {
  const { reasoning_effort: effort, thinking } = body;
  const off = effort === 'none' || effort === false || (isFields(thinking) && thinking['type'] === 'disabled');
  const on = !off && (effort !== undefined || thinking !== undefined);
  return {
    ...(off ? { enable_thinking: false } : {}),
    ...(on ? { enable_thinking: true } : {}),
    ...(typeof effort === 'string' ? { reasoning_effort: effort } : {}),
    ...readFields(body, 'chat_template_kwargs'),
  };
}

function refuseTools({ tools, tool_choice: choice }: Fields): void {
  const given = Array.isArray(tools) && tools.length > 0;
  if (!given || choice === 'none') return;
  throw new Refusal(
    "The embedded engine does not call tools. Leave 'tools' out, set tool_choice to 'none', or use another engine.",
    {
      param: 'tools',
      code: 'unsupported_parameter',
    },
  );
}

/** `true` asks for the drawn tokens; a number is the older way to ask for the likeliest besides. */
function readTopLogprobs(body: Fields): number | undefined {
  const top = readNumber(body, 'top_logprobs', { least: 0, most: 20, whole: true });
  const { logprobs } = body;
  if (typeof logprobs === 'number') return readNumber(body, 'logprobs', { least: 0, most: 20, whole: true });
  if (readBoolean(body, 'logprobs') === true) return top ?? 0;
  if (top === undefined || top === 0) return undefined;
  throw new Refusal("'top_logprobs' needs 'logprobs' to be true.", { param: 'top_logprobs' });
}

type Sayings = Pick<Call, 'toReply' | 'toBeginning' | 'toPiece' | 'toEnding'>;

function makeSayings({ modelId, fingerprint, model }: Served, options: Call['answers']): Sayings {
  const created = Math.floor(Date.now() / 1000);
  const head = { id: `chatcmpl-${randomUUID()}`, created, model: modelId, system_fingerprint: fingerprint };
  const [first] = options;
  const asked = first?.topLogprobs !== undefined;
  const thinks = endsThinking(model.detokenize(first?.prompt.slice(-MARK_TOKENS) ?? [], true));
  const splitters = options.map(() => new ReasoningSplitter(thinks));
  const toLogprobs = (likelihoods: readonly TokenLikelihood[]) => (asked ? { content: likelihoods.map(toLogprob) } : null);
  const toChunk = (choice: object, usage = {}) => ({ ...head, object: 'chat.completion.chunk', choices: [choice], ...usage });
  const toChoice = ({ text, likelihoods, finishReason }: Answer, index: number) => ({
    index,
    message: { role: 'assistant', content: '', ...toFields(splitReasoning(text, thinks)) },
    logprobs: toLogprobs(likelihoods),
    finish_reason: finishReason,
  });
  return {
    toReply: (answers) => ({
      ...head,
      object: 'chat.completion',
      choices: answers.map(toChoice),
      usage: toUsage(options, answers),
    }),
    toBeginning: (index) => toChunk({ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }),
    toPiece: ({ index, text, likelihoods }) => {
      const delta = toFields(splitters[index]?.push(text) ?? NOTHING);
      return toChunk({ index, delta, logprobs: toLogprobs(likelihoods), finish_reason: null });
    },
    toEnding: ({ index, finishReason, usage }) => {
      const delta = toFields(splitters[index]?.end() ?? NOTHING);
      return toChunk({ index, delta, logprobs: null, finish_reason: finishReason }, usage === undefined ? {} : { usage });
    },
  };
}

/** Enough to hold a mark at the end of a prompt, whatever it is made of. */
const MARK_TOKENS = 8;
const NOTHING: SplitText = { reasoning: '', content: '' };

const toFields = ({ reasoning, content }: SplitText) => ({
  ...(content === '' ? {} : { content }),
  ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
});

const toLogprob = ({ top, ...likelihood }: TokenLikelihood) => ({ ...likelihood, top_logprobs: top });
