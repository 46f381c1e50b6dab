/** A model that makes vectors: `POST /v1/embeddings`, read and said. */
import type { Token } from 'node-llama-cpp';
import { packVector } from '../pack-vector.ts';
import type { Embedder } from './embedder.ts';
import { sayMetrics } from './engine-metrics.ts';
import { type Fields, readBoolean, readChoice, readNumber, withoutNulls } from './fields.ts';
import { readTokenLists } from './read-token-lists.ts';
import type { ReadyModel } from './ready-model.ts';
import { Refusal } from './refusal.ts';
import { checkFields } from './request-fields.ts';

const PATH = '/v1/embeddings';
/** As many as OpenAI takes. */
const MOST_INPUTS = 2_048;

type Vector = readonly number[];

/** Answers with a vector for each input. */
export function toEmbeddings(modelId: string, embedder: Embedder): ReadyModel {
  const { model, contextSize, tally } = embedder;
  return {
    modelId,
    contextSize,
    trainContextSize: model.trainContextSize,
    paths: [PATH],
    slots: embedder.slots,
    async answer({ body: request }, response, signal) {
      const { inputs, lengths, write } = readRequest(request, embedder);
      const tooLongOne = lengths.find((length) => length > contextSize);
      if (tooLongOne !== undefined) throw tooLong(tooLongOne, contextSize);
      const vectors = await embedder.embedAll(inputs, signal);
      const tokens = lengths.reduce((sum, length) => sum + length, 0);
      const reply = JSON.stringify({
        object: 'list',
        data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: write(vector) })),
        model: modelId,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      });
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(reply) }).end(reply);
    },
    count({ body }) {
      const tokens = Math.max(...readRequest(body, embedder).lengths); // of few enough for a call
      return { tokens, contextLength: contextSize, fits: tokens <= contextSize };
    },
    metrics: () =>
      sayMetrics([
        ['slots', 'gauge', 'Inputs that can be worked on at once', embedder.slots],
        ['requests_running', 'gauge', 'Inputs of which vectors are being made', embedder.running],
        ['requests_waiting', 'gauge', 'Inputs that wait for a slot', embedder.waiting],
        ['prompt_tokens_total', 'counter', 'Tokens of inputs', tally.promptTokens],
      ]),
  };
}

interface EmbeddingRequest {
  readonly inputs: readonly (readonly Token[])[];
  /** Of each input in tokens. */
  readonly lengths: readonly number[];
  readonly write: (vector: Vector) => Vector | string;
}

/** Throws a `Refusal` that says what is wrong with it. */
function readRequest(request: Fields, embedder: Embedder): EmbeddingRequest {
  const { model } = embedder;
  const body = withoutNulls(request);
  checkFields(body, 'embeddings');
  const write = readWriter(body, model.embeddingVectorSize);
  // Control tokens can't be written into a text: whoever wants some gives token ids.
  const inputs = readTokenLists(body, 'input', { model, tokenize: (text) => model.tokenize(text) });
  if (inputs.length > MOST_INPUTS) throw tooMany(inputs.length);
  return { inputs, lengths: inputs.map((tokens) => embedder.lengthOf(tokens)), write };
}

/** How the request wants its vectors written. */
function readWriter(body: Fields, width: number): EmbeddingRequest['write'] {
  const dimensions = readNumber(body, 'dimensions', { least: 1, most: Number.MAX_SAFE_INTEGER, whole: true });
  if (dimensions !== undefined && dimensions !== width) throw otherDimensions(width);
  const isNormal = readBoolean(body, 'normalize') ?? false;
  const write = readChoice(body, 'encoding_format', ['float', 'base64']) === 'base64' ? packVector : asItIs;
  return (vector) => write(isNormal ? toUnitLength(vector) : vector);
}

const asItIs = (vector: Vector): Vector => vector;

function toUnitLength(vector: Vector): Vector {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

const otherDimensions = (width: number): Refusal =>
  new Refusal(
    `'dimensions' must be ${width}, which this model's vectors have: the embedded engine does not shorten them. Leave it out, or use another engine.`,
    { param: 'dimensions', code: 'unsupported_parameter' },
  );

const tooMany = (count: number): Refusal =>
  new Refusal(`'input' must have at most ${MOST_INPUTS} texts, but it has ${count}. Give the others in further rows.`, {
    param: 'input',
  });

const tooLong = (tokens: number, contextSize: number): Refusal =>
  new Refusal(
    `The input has ${tokens} tokens, but the context holds ${contextSize}. Shorten it, or serve the model with a larger context.`,
    { param: 'input', code: 'context_length_exceeded' },
  );
