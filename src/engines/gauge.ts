/** What an engine says of how busy it is, in Prometheus' text form. */

export interface Gauge {
  /** Requests that it works on, whoever sent them. */
  readonly running: number;
  /** Requests that it has taken and not begun. */
  readonly waiting: number;
}

/** Where the engines that have one show it, beside their API. */
export const METRICS_PATH = '/metrics';

/** What vLLM, SGLang, llama-server and our own engine call it. */
const RUNNING =
  /^(?:vllm:num_requests_running|sglang:num_running_reqs|llamacpp:requests_processing|boatload_engine_requests_running)\b/;
const WAITING =
  /^(?:vllm:num_requests_waiting|sglang:num_queue_reqs|llamacpp:requests_deferred|boatload_engine_requests_waiting)(?:\{|\s)/;

/** The sum over what is counted apart, as for several models; undefined where the text has no such gauge. */
export function readGauge(text: string): Gauge | undefined {
  const lines = text.split('\n');
  const running = lines.filter((line) => RUNNING.test(line)).map(toValue);
  const waiting = lines.filter((line) => WAITING.test(line)).map(toValue);
  return running.length === 0 || waiting.length === 0 ? undefined : { running: sum(running), waiting: sum(waiting) };
}

/** `name{label="a"} 12.0`, perhaps with a time behind it. */
function toValue(line: string): number {
  const [value = ''] = line
    .slice(line.lastIndexOf('}') + 1)
    .trim()
    .split(/\s+/)
    .slice(line.includes('}') ? 0 : 1);
  return Number(value) || 0;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
