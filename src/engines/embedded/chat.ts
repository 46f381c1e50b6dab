/** `POST /v1/chat/completions`: read, and said. */
import type { Call, Served } from './call.ts';
import type { Dialect, Speech } from './dialect.ts';
import { type Fields, isFields, readBoolean, readFields, readNumber } from './fields.ts';
import { readMessages } from './read-messages.ts';
import { Refusal } from './refusal.ts';
import { endsThinking, ReasoningSplitter, type SplitText, splitReasoning } from './split-reasoning.ts';
import type { TokenLikelihood } from './token-likelihood.ts';

/** Conversations, answered with the assistant's next turn. */
export const chat: Dialect = {
  kind: 'chat',
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  readTopLogprobs,
  readPrompts: (body, served) => {
    refuseTools(body);
    return [toPrompt(body, served)];
  },
  speak,
};

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

function speak({ model }: Served, answers: Call['answers']): Speech {
  const [first] = answers;
  const asked = first?.topLogprobs !== undefined;
  const thinks = endsThinking(model.detokenize(first?.prompt.slice(-MARK_TOKENS) ?? [], true));
  const splitters = answers.map(() => new ReasoningSplitter(thinks));
  const toLogprobs = (likelihoods: readonly TokenLikelihood[]) => (asked ? { content: likelihoods.map(toLogprob) } : null);
  return {
    toWhole: ({ text, likelihoods }) => ({
      message: { role: 'assistant', content: '', ...toFields(splitReasoning(text, thinks)) },
      logprobs: toLogprobs(likelihoods),
    }),
    beginning: { delta: { role: 'assistant', content: '' }, logprobs: null },
    toPiece: ({ index, text, likelihoods }) => ({
      delta: toFields(splitters[index]?.push(text) ?? NOTHING),
      logprobs: toLogprobs(likelihoods),
    }),
    toEnding: (index) => ({ delta: toFields(splitters[index]?.end() ?? NOTHING), logprobs: null }),
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
