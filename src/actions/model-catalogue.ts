/** Models that can be added by their names: where they are, under which licence, and about how large. Nothing in here is trusted: what arrives is checked. */
import type { Precision } from '../contract/job.ts';

export interface CatalogueModel {
  /** Its id under the public account, and so its name for clients of Fireworks: `accounts/fireworks/models/{id}`. */
  readonly id: string;
  readonly title: string;
  readonly licence: string;
  /** In words, for people. */
  readonly parameters: string;
  /** Tokens that it was trained for; the file itself says more exactly. */
  readonly contextLength: number;
  readonly tools: boolean;
  /** Every model here that writes does so by schema: the engine holds it to that by grammar. This says whether it was trained to, too. */
  readonly json: boolean;
  /** It makes vectors of texts, and writes nothing. */
  readonly embeddings: boolean;
  /** Where it is on the hub: `owner/repository`. */
  readonly repository: string;
  /** The first is the usual one. */
  readonly files: readonly CatalogueFile[];
}

export interface CatalogueFile {
  readonly precision: Precision;
  readonly name: string;
  /** About; what the hub says is what counts. */
  readonly megabytes: number;
  /** Absent where it was not seen by us: then the hub's own checksum counts, the file's head, and whether it loads. */
  readonly sha256?: string;
}

const APACHE = 'Apache-2.0';

/** Small to large. Sizes are rounded, and none has a checksum of ours: none of the files could be fetched when this was written. */
export const MODEL_CATALOGUE: readonly CatalogueModel[] = [
  {
    ...{ id: 'nomic-embed-text-v1p5', title: 'Nomic Embed Text 1.5', licence: APACHE, parameters: '137 million' },
    ...{ contextLength: 2_048, tools: false, json: false, embeddings: true, repository: 'nomic-ai/nomic-embed-text-v1.5-GGUF' },
    files: [
      { precision: 'Q8_0', name: 'nomic-embed-text-v1.5.Q8_0.gguf', megabytes: 150 },
      { precision: 'FP16', name: 'nomic-embed-text-v1.5.f16.gguf', megabytes: 270 },
    ],
  },
  {
    ...{ id: 'qwen3-0p6b', title: 'Qwen3 0.6B', licence: APACHE, parameters: '0.6 billion' },
    ...{ contextLength: 32_768, tools: true, json: true, embeddings: false, repository: 'Qwen/Qwen3-0.6B-GGUF' },
    files: [{ precision: 'Q8_0', name: 'Qwen3-0.6B-Q8_0.gguf', megabytes: 640 }],
  },
  {
    ...{ id: 'qwen3-1p7b', title: 'Qwen3 1.7B', licence: APACHE, parameters: '1.7 billion' },
    ...{ contextLength: 32_768, tools: true, json: true, embeddings: false, repository: 'Qwen/Qwen3-1.7B-GGUF' },
    files: [{ precision: 'Q8_0', name: 'Qwen3-1.7B-Q8_0.gguf', megabytes: 1_830 }],
  },
  {
    ...{ id: 'qwen3-4b', title: 'Qwen3 4B', licence: APACHE, parameters: '4 billion' },
    ...{ contextLength: 32_768, tools: true, json: true, embeddings: false, repository: 'Qwen/Qwen3-4B-GGUF' },
    files: [
      { precision: 'Q4_K_M', name: 'Qwen3-4B-Q4_K_M.gguf', megabytes: 2_500 },
      { precision: 'Q8_0', name: 'Qwen3-4B-Q8_0.gguf', megabytes: 4_280 },
    ],
  },
  {
    ...{ id: 'qwen3-8b', title: 'Qwen3 8B', licence: APACHE, parameters: '8 billion' },
    ...{ contextLength: 32_768, tools: true, json: true, embeddings: false, repository: 'Qwen/Qwen3-8B-GGUF' },
    files: [
      { precision: 'Q4_K_M', name: 'Qwen3-8B-Q4_K_M.gguf', megabytes: 5_030 },
      { precision: 'Q8_0', name: 'Qwen3-8B-Q8_0.gguf', megabytes: 8_710 },
    ],
  },
];
