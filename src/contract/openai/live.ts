/** Requests that somebody waits for, and what is answered. What is not listed in a request is refused; in a reply an engine may say more. */
import { z } from 'zod';
import { EmbeddingParameters, GenerationParameters } from '../chat-parameters.ts';

const model = z.string().min(1).describe('Which model shall answer: the bare id, or the full name `accounts/…/models/…`');

const stream = z
  .boolean()
  .nullish()
  .describe('Whether the answer comes as server-sent events while it is made, with `data: [DONE]` at its end; false by default');

/** What a stream holds besides the answer. */
export const StreamOptions = z
  .strictObject({
    include_usage: z
      .boolean()
      .nullish()
      .describe(
        'True: the usage comes in a chunk of its own without choices, after all others. False (default): it rides on the last chunk with content',
      ),
    include_obfuscation: z.boolean().nullish().describe('Accepted for the sake of clients; nothing is added to the chunks here'),
  })
  .meta({ id: 'StreamOptions', description: 'What a stream holds besides the answer' });

const streaming = { stream, stream_options: StreamOptions.nullish().describe('Only with `stream`') };

const Message = z
  .looseObject({
    role: z.enum(['system', 'user', 'assistant', 'tool']).describe('Who speaks'),
    content: z
      .union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()])
      .optional()
      .describe('A text, or parts: texts and images. Null only where the assistant calls tools'),
  })
  .meta({ id: 'ChatMessage', description: 'One turn of a conversation' });

/** `POST /chat/completions`. */
export const ChatCompletionRequest = GenerationParameters.extend({
  model,
  messages: z.array(Message).min(1).describe('The conversation so far, oldest turn first'),
  ...streaming,
}).meta({ id: 'ChatCompletionRequest', description: 'A conversation to be gone on with' });

const Text = z.union([z.string(), z.array(z.string()), z.array(z.int()), z.array(z.array(z.int()))]);

/** `POST /completions`. */
export const CompletionRequest = GenerationParameters.extend({
  model,
  prompt: Text.describe('The text to go on from, or its token ids; or a list of such, each of which is answered'),
  ...streaming,
}).meta({ id: 'CompletionRequest', description: 'A text to be gone on with' });

/** `POST /embeddings`. */
export const EmbeddingRequest = EmbeddingParameters.extend({
  model,
  input: Text.describe('The text, or its token ids; or a list of such, each of which gets a vector'),
}).meta({ id: 'EmbeddingRequest', description: 'Texts to be made vectors of' });

/** `POST /responses`; its further fields are its engine's. */
export const ResponseRequest = z
  .looseObject({
    model,
    input: z
      .union([z.string(), z.array(z.looseObject({}))])
      .optional()
      .describe('What is asked: a text, or turns'),
    stream,
  })
  .meta({
    id: 'ResponseRequest',
    description: 'A request of the Responses API, for models whose engine has it; other fields go to the engine as they are',
  });

const count = (what: string) => z.int().describe(what);

const Usage = z
  .looseObject({
    prompt_tokens: count('Tokens of the prompt'),
    completion_tokens: count('Tokens of all answers').optional(),
    total_tokens: count('Both together'),
    prompt_tokens_details: z
      .looseObject({ cached_tokens: count('Of the prompt, those that a prefix cache already held').nullish() })
      .nullish()
      .describe('What the prompt was made of'),
  })
  .meta({ id: 'LiveUsage', description: 'What a request took, as its engine counted it' });

const replyHead = {
  id: z.string().describe("The engine's id of the answer"),
  created: z.int().describe('When, in seconds since 1970'),
  model: z.string().describe("The engine's own name for the model"),
  usage: Usage.nullish(),
};
const finish_reason = z.string().nullable().describe('Why the answer ended: `stop`, `length`, `tool_calls`');

/** The reply of chat completions; each chunk of a stream has `delta` in place of `message`, and the object `chat.completion.chunk`. */
export const ChatCompletion = z
  .looseObject({
    ...replyHead,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.looseObject({
        index: z.int().describe('Which of the `n` answers, from 0'),
        message: z.looseObject({ role: z.literal('assistant'), content: z.string().nullish().describe('The answer') }),
        finish_reason,
      }),
    ),
  })
  .meta({
    id: 'ChatCompletion',
    description: 'The answer; with `stream`, chunks of it whose choices have `delta` in place of `message`',
  });

/** The reply of completions. */
export const Completion = z
  .looseObject({
    ...replyHead,
    object: z.literal('text_completion'),
    choices: z.array(
      z.looseObject({
        index: z.int().describe('Which answer, from 0: the first prompt’s `n` come first'),
        text: z.string().describe('The answer'),
        finish_reason,
      }),
    ),
  })
  .meta({ id: 'Completion', description: 'The answers; with `stream`, pieces of them in the same shape' });

/** The reply of embeddings. */
export const EmbeddingList = z
  .looseObject({
    object: z.literal('list'),
    model: z.string().describe("The engine's own name for the model"),
    data: z.array(
      z.looseObject({
        object: z.literal('embedding'),
        index: z.int().describe('Which input, from 0'),
        embedding: z.union([z.array(z.number()), z.string()]).describe('The vector: numbers, or base64 where that was asked for'),
      }),
    ),
    usage: Usage.nullish(),
  })
  .meta({ id: 'EmbeddingList', description: 'A vector for every input' });

/** The reply of responses. */
export const Response = z
  .looseObject({ id: z.string().describe('Made by the engine'), object: z.literal('response') })
  .meta({ id: 'ModelResponse', description: "The engine's answer as it is; with `stream`, the events of the Responses API" });
