/** The tickets model with another chat template, and room for longer prompts: what it says is no sense, but its forms are real. */
import { join } from 'node:path';
import { text, u32 } from '../../models/gguf/metadata.ts';
import { readGguf } from '../../models/gguf/read-gguf.ts';
import { writeGguf } from '../../models/gguf/write-gguf.ts';
import { decodeQ8 } from '../models/decode-q8.ts';
import { TICKETS_MODEL } from './models.ts';

/** Knows tools and thinking, as templates of the Qwen 3 family do. */
export const QWEN_LIKE = `{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- '# Tools\\n<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '\\n</tools>\\nCall as <tool_call>\\n{"name": <name>, "arguments": <json>}\\n</tool_call><|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {{- '<|im_start|>user\\n' + message.content + '<|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' }}
        {%- if message.reasoning_content %}
            {{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}
        {%- endif %}
        {{- message.content }}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if message.content or not loop.first %}
                {{- '\\n' }}
            {%- endif %}
            {{- '<tool_call>\\n{"name": "' + tool_call.function.name + '", "arguments": ' }}
            {%- if tool_call.function.arguments is string %}
                {{- tool_call.function.arguments }}
            {%- else %}
                {{- tool_call.function.arguments | tojson }}
            {%- endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}`;

/** Writes the model into the folder and answers its path. */
export function makeRetemplatedTickets(folder: string, template: string): string {
  const { metadata, tensors } = readGguf(TICKETS_MODEL);
  const path = join(folder, 'retemplated.gguf');
  writeGguf(path, {
    metadata: { ...metadata, 'tokenizer.chat_template': text(template), 'llama.context_length': u32(2_048) },
    tensors: tensors.map(({ name, dimensions, type, bytes }) => ({
      name,
      dimensions,
      type,
      values: () => (type === 'q8_0' ? decodeQ8(bytes) : new Float32Array(new Uint8Array(bytes).buffer)),
    })),
  });
  return path;
}
