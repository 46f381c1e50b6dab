/** Files on their way to the server: each to a signed link of its own, or one as a form where there are no such links. */
import { ApiError } from './errors.ts';
import { withRetries } from './retry.ts';
import { sendFile } from './send-file.ts';
import { type OnTransfer, toCountedBody } from './transfer.ts';
import { type CallOptions, makeWord, type Transport } from './transport.ts';

/** A file to send. In Node, `fs.openAsBlob(path)` makes one that is read while it is sent. */
export interface UploadFile {
  /** What it is to be called, without a path. */
  readonly name: string;
  /** A file that a person chose in a browser is one, too. */
  readonly content: Blob;
}

/** How to send files. */
export interface UploadOptions extends CallOptions {
  /** Gets how far it is, over all files, as often as bytes have been sent. Default: nobody is told. */
  readonly onProgress?: OnTransfer | undefined;
  /**
   * Go on with what an earlier call, of an earlier program even, has brought of the same files. Only for files that are the same byte for byte: the server
   * knows them by name and size. Default false: each file begins anew, and goes on only after a cut within this call.
   */
  readonly resume?: boolean | undefined;
}

interface UploadLinks {
  readonly filenameToSignedUrls: Readonly<Record<string, string>>;
}

/** Asks for links and sends every file to its own; answers false where the server has no such links. */
export async function sendToLinks(
  transport: Transport,
  { path, files }: { readonly path: string; readonly files: readonly UploadFile[] },
  { signal, onProgress, resume }: UploadOptions,
): Promise<boolean> {
  const askLinks = (asked: readonly UploadFile[]): Promise<UploadLinks> =>
    transport.request({
      method: 'POST',
      path: `${path}:getUploadEndpoint`,
      body: { filenameToSize: Object.fromEntries(asked.map(({ name, content }) => [name, String(content.size)])) },
      signal,
      isRepeatable: true,
    });
  const links = await askLinks(files).catch((error: unknown) => {
    if (hasNoLinks(error)) return undefined;
    throw error;
  });
  if (links === undefined) return false;
  const count = makeCounter(files, onProgress);
  for (const file of files) {
    const askLink = async (triesBefore: number): Promise<string> => {
      // The files before this one may have taken long.
      const { filenameToSignedUrls } = triesBefore === 0 ? links : await askLinks([file]);
      const url = filenameToSignedUrls[file.name];
      if (url === undefined) throw noLink(file.name);
      return url;
    };
    await sendFile(transport, { file, askLink, resume: resume ?? false, signal, onSent: count(file) });
  }
  return true;
}

/** Sends one file as a form, with the client's key. */
export async function sendAsForm(
  transport: Transport,
  { path, file }: { readonly path: string; readonly file: UploadFile },
  { signal, onProgress }: UploadOptions,
): Promise<void> {
  const count = makeCounter([file], onProgress)(file);
  const boundary = `boatload-${makeWord()}`;
  const name = file.name.replaceAll(/["\r\n\\]/g, '_');
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: application/jsonl\r\n\r\n`;
  const form = new Blob([head, file.content, `\r\n--${boundary}--\r\n`]);
  const headers = {
    ...transport.authorization,
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': String(form.size),
  };
  const attempt = async (): Promise<void> => {
    const body = toCountedBody(form, (bytes) => count(Math.min(file.content.size, Math.max(0, bytes - head.length))));
    const reply = await transport.send(transport.toUrl(`${path}:upload`), { method: 'POST', headers, body, signal });
    await reply.body?.cancel();
  };
  await withRetries(attempt, { retries: transport.retries, isRepeatable: true, signal });
  count(file.content.size);
}

/** Sums the files of an upload: what one has sent, on top of those before it. */
function makeCounter(files: readonly UploadFile[], onProgress: OnTransfer | undefined) {
  const totalBytes = files.reduce((sum, { content }) => sum + content.size, 0);
  return (file: UploadFile) => {
    const before = files.slice(0, files.indexOf(file)).reduce((sum, { content }) => sum + content.size, 0);
    return (bytes: number) => onProgress?.({ bytes: before + bytes, totalBytes });
  };
}

/** An older server doesn't know the path, and one behind another kind of storage may not offer it. */
const hasNoLinks = (error: unknown): boolean =>
  error instanceof ApiError && (error.reason === 'NO_SUCH_PATH' || error.code === 'UNIMPLEMENTED');

const noLink = (name: string): ApiError =>
  new ApiError(`The server gave no link to upload "${name}" to.`, { code: 'INTERNAL', reason: 'NO_UPLOAD_LINK', status: 200 });
