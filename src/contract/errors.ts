/** Error codes and bodies: google.rpc's names with their numbers and HTTP statuses. */
import { z } from 'zod';

const CODES = {
  OK: { number: 0, status: 200 },
  CANCELLED: { number: 1, status: 499 },
  UNKNOWN: { number: 2, status: 500 },
  INVALID_ARGUMENT: { number: 3, status: 400 },
  DEADLINE_EXCEEDED: { number: 4, status: 504 },
  NOT_FOUND: { number: 5, status: 404 },
  ALREADY_EXISTS: { number: 6, status: 409 },
  PERMISSION_DENIED: { number: 7, status: 403 },
  RESOURCE_EXHAUSTED: { number: 8, status: 429 },
  FAILED_PRECONDITION: { number: 9, status: 400 },
  ABORTED: { number: 10, status: 409 },
  OUT_OF_RANGE: { number: 11, status: 400 },
  UNIMPLEMENTED: { number: 12, status: 501 },
  INTERNAL: { number: 13, status: 500 },
  UNAVAILABLE: { number: 14, status: 503 },
  DATA_LOSS: { number: 15, status: 500 },
  UNAUTHENTICATED: { number: 16, status: 401 },
} as const;
/** A code by name. */
export type StatusCode = keyof typeof CODES;

/** All codes by name, in the order of their numbers. (`Object.keys` forgets the type.) */
export const STATUS_CODES = Object.keys(CODES) as readonly StatusCode[];

/** google.rpc's number of a code. */
export const numberOf = (code: StatusCode): number => CODES[code].number;

/** The HTTP status that a code travels under. */
export const httpStatusOf = (code: StatusCode): (typeof CODES)[StatusCode]['status'] => CODES[code].status;

/** What is wrong, for programs: a stable reason, and facts as strings. */
const ErrorInfo = z
  .object({
    '@type': z.literal('type.googleapis.com/google.rpc.ErrorInfo'),
    reason: z.string().describe('What exactly is wrong, in UPPER_SNAKE; stable, so programs may test it'),
    domain: z.literal('boatload'),
    metadata: z.record(z.string(), z.string()).describe('Further facts: limits, names, counts'),
  })
  .meta({ id: 'ErrorInfo', description: 'The machine-readable part of an error' });

/** The body of every refused control-plane call. */
export const ErrorBody = z
  .object({
    code: z.int().describe('google.rpc number of the code'),
    message: z.string().describe('What was expected, what came, and what to do'),
    details: z.array(ErrorInfo),
  })
  .meta({ id: 'Error', description: 'Why a call was refused' });
export type ErrorBody = z.infer<typeof ErrorBody>;

/** The envelope that a missing, unknown or expired API key gets, with HTTP 403. */
export const KeyErrorBody = z
  .object({
    error: z
      .object({
        message: z.string(),
        param: z.null(),
        code: z.literal('UNAUTHORIZED'),
        type: z.literal('error'),
      })
      .describe('The same words whatever is wrong with the key'),
    request_id: z.string().describe('The id of this request, as in the x-request-id header'),
  })
  .meta({ id: 'KeyError', description: 'The API key is missing, unknown or expired' });
export type KeyErrorBody = z.infer<typeof KeyErrorBody>;

/** The status object that resources carry; its code is a name, not a number. */
export const Status = z
  .object({
    code: z.enum(STATUS_CODES).describe('Name of a google.rpc code; `OK` while nothing is wrong'),
    message: z.string().describe('What went wrong, in words; empty while nothing is'),
  })
  .meta({ id: 'Status', description: 'How a resource is' });
export type Status = z.infer<typeof Status>;
