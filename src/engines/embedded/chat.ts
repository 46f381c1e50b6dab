/** `POST /v1/chat/completions`: read, and said. */
import type { Token } from 'node-llama-cpp';
import { type Thought, toAnswerGrammar } from './answer-grammar.ts';
import type { Call, Served } from './call.ts';
import { ChatTurn, type TurnPart } from './chat-turn.ts';
import type { Dialect, Speech, Wishes } from './dialect.ts';
import { type Fields, readBoolean, readNumber } from './fields.ts';
import type { FinishReason } from './generate.ts';
import { readMessages } from './read-messages.ts';
import { dropReasoning, readThinking } from './read-thinking.ts';
import { readTools, type Tools } from './read-tools.ts';
import { Refusal } from './refusal.ts';
import { notDone } from './request-fields.ts';
import { readResponseFormat } from './response-format.ts';
import { endsThinking, reasoningLength, THOUGHT_OPEN } from './split-reasoning.ts';
import { type LogprobsForm, makeLogprobsTeller } from './tell-logprobs.ts';
import type { ChatTemplate } from './template.ts';
import { CALL_CLOSE, tellTools } from './tool-words.ts';

/** Conversations, answered with the assistant's next turn. */
export const chat: Dialect = {
  kind: 'chat',
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  read,
};

function read(body: Fields, served: Served): Wishes {
  const template = templateOf(served);
  // Here nobody's text becomes a marker.
  if (readBoolean(body, 'safe_tokenization') === false) throw notDone('safe_tokenization');
  const tools = readTools(body);
  const variables = readThinking(body, template);
  const messages = dropReasoning(readMessages(body), body);
  const prompt = template.toTokens({ ...tellTools(messages, tools.offered, template), variables });
  const thought = thoughtOf(prompt, variables, { model: served.model, template });
  const { form, top } = readLogprobs(body);
  return {
    prompts: [prompt],
    grammar: toAnswerGrammar({ tools, format: readResponseFormat(body), thought }),
    stops: endsAfterOne(tools) ? [CALL_CLOSE] : [],
    topLogprobs: top,
    speak: (answers) => speak(answers, { tools, form, thinking: thought === 'begun' }),
  };
}

function templateOf({ template }: Served): ChatTemplate {
  if (template !== undefined) return template;
  throw new Refusal(
    'The model file holds no chat template. Ask it through /v1/completions, or use a model that was made for chat.',
  );
}

/** Enough to hold a mark at the end of a prompt, whatever it is made of. */
const MARK_TOKENS = 8;

interface SpokenModel extends Pick<Served, 'model'> {
  readonly template: ChatTemplate;
}

function thoughtOf(prompt: readonly Token[], variables: Fields, { model, template }: SpokenModel): Thought {
  if (endsThinking(model.detokenize(prompt.slice(-MARK_TOKENS), true))) return 'begun';
  const off = variables['enable_thinking'] === false || variables['thinking'] === false;
  return !off && template.says(THOUGHT_OPEN) ? 'maybe' : 'none';
}

/** Where nothing else holds the answer to one call, it ends with the first. */
const endsAfterOne = ({ offered, several }: Tools): boolean => offered.length > 0 && !several;

/** `true` asks for the drawn tokens; a number is the older way to ask for the likeliest besides. */
function readLogprobs(body: Fields): { readonly form: LogprobsForm; readonly top: number | undefined } {
  const top = readNumber(body, 'top_logprobs', { least: 0, most: 20, whole: true });
  const { logprobs } = body;
  if (typeof logprobs === 'number') {
    const count = readNumber(body, 'logprobs', { least: 0, most: 20, whole: true });
    if (top === undefined || top === count) return { form: 'legacy', top: count };
    throw new Refusal("'logprobs' and 'top_logprobs' ask for different numbers: give one.", { param: 'top_logprobs' });
  }
  if (readBoolean(body, 'logprobs') === true) return { form: 'tokens', top: top ?? 0 };
  if (top === undefined || top === 0) return { form: 'none', top: undefined };
  throw new Refusal("'top_logprobs' needs 'logprobs' to be true.", { param: 'top_logprobs' });
}

interface Manner {
  readonly tools: Tools;
  readonly form: LogprobsForm;
  readonly thinking: boolean;
}

function speak(answers: Call['answers'], { tools, form, thinking }: Manner): Speech {
  const names = new Set(tools.offered.map(({ name }) => name));
  const turns = answers.map(() => new ChatTurn({ thinking, tools: names }));
  const turnOf = (index: number): ChatTurn => turns[index] ?? new ChatTurn({ thinking, tools: names });
  const toLogprobs = makeLogprobsTeller(form);
  return {
    toWhole: ({ text, likelihoods, finishReason }, index) => {
      const turn = turnOf(index);
      return {
        message: toMessage(turn.whole(text)),
        logprobs: toLogprobs(index, likelihoods, text),
        finish_reason: toReason(turn, finishReason),
      };
    },
    beginning: { delta: { role: 'assistant', content: '' }, logprobs: null },
    toPiece: ({ index, text, likelihoods }) => ({
      delta: toDelta(turnOf(index), (turn) => turn.push(text)),
      logprobs: toLogprobs(index, likelihoods, text),
    }),
    toEnding: (index, reason) => ({
      delta: toDelta(turnOf(index), (turn) => turn.end()),
      logprobs: null,
      finish_reason: toReason(turnOf(index), reason),
    }),
    countReasoning: ({ text, starts }) => {
      const length = reasoningLength(text, thinking);
      return starts.filter((start) => start < length).length;
    },
  };
}

const toReason = ({ called }: ChatTurn, reason: FinishReason): string =>
  called > 0 && reason === 'stop' ? 'tool_calls' : reason;

const toMessage = ({ reasoning, content, calls }: TurnPart): object => ({
  role: 'assistant',
  content: content === '' && calls.length > 0 ? null : content,
  ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
  ...(calls.length === 0 ? {} : { tool_calls: calls }),
});

function toDelta(turn: ChatTurn, grow: (turn: ChatTurn) => TurnPart): object {
  const before = turn.called;
  const { reasoning, content, calls } = grow(turn);
  return {
    ...(content === '' ? {} : { content }),
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((call, place) => ({ index: before + place, ...call })) }),
  };
}
