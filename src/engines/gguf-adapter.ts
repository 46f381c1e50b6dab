/** What a LoRA adapter in GGUF changes of its model: its rank and its modules, by the names that others have for them. */
import type { GgufHead } from './gguf-head.ts';

export interface AdapterFacts {
  readonly rank: number;
  readonly modules: readonly string[];
}

const MODULES: Readonly<Record<string, string>> = {
  attn_q: 'q_proj',
  attn_k: 'k_proj',
  attn_v: 'v_proj',
  attn_output: 'o_proj',
  ffn_up: 'up_proj',
  ffn_down: 'down_proj',
  ffn_gate: 'gate_proj',
};
const FIRST_HALF = /(?:^|\.)(\w+)\.weight\.lora_a$/;

/** Undefined for what is no such adapter. A module without another name keeps its own. */
export function readAdapter({ tensors }: Pick<GgufHead, 'tensors'>): AdapterFacts | undefined {
  const halves = tensors.flatMap(({ name, dimensions }) => {
    const [, module] = FIRST_HALF.exec(name) ?? [];
    return module === undefined ? [] : [{ module, rank: dimensions[1] ?? 0 }];
  });
  if (halves.length === 0) return undefined;
  const modules = [...new Set(halves.map(({ module }) => MODULES[module] ?? module))];
  return { rank: Math.max(...halves.map(({ rank }) => rank)), modules };
}
