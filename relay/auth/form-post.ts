import http from 'node:http';
import https from 'node:https';

/** An answer, read whole. */
export interface FormAnswer {
  readonly status: number;
  /** Lower case, without parameters; empty when there is none. */
  readonly mediaType: string;
  readonly body: Buffer;
}

/** Posts forms to the endpoints of an issuer. */
export interface FormPost {
  /**
   * @param url absolute http(s) address, from configuration or discovery, never from a token
   * @param form the body, where no log of URLs sees it
   * @param headers further fields, such as Authorization
   * @returns the answer, whatever its status; redirects are not followed
   * @throws {Error} no answer in time, or one that is too large
   */
  readonly post: (
    url: URL,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
  ) => Promise<FormAnswer>;
  /** Closes idle connections; what is under way goes on. */
  readonly close: () => void;
}

const maxAnswerBytes = 64 * 1024;

function readAnswer(response: http.IncomingMessage): Promise<FormAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= maxAnswerBytes) chunks.push(chunk);
      else response.destroy(new Error(`more than ${maxAnswerBytes} bytes`));
    });
    response.on('error', reject);
    response.on('end', () => {
      const mediaType = (response.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
      resolve({
        status: response.statusCode ?? 0,
        mediaType: mediaType.trim().toLowerCase(),
        body: Buffer.concat(chunks),
      });
    });
  });
}

const isReset = (error: unknown): boolean => (error as { code?: unknown }).code === 'ECONNRESET';

/**
 * Makes what posts forms. It speaks node:http, since fetch takes no client certificate; connections
 * are kept open.
 *
 * @param options `timeoutMs` for the whole exchange, body included; `tls` is the client's own
 *   certificate and key, PEM
 * @returns the poster; nothing is opened before the first form
 */
export function createFormPost(options: {
  readonly timeoutMs: number;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}): FormPost {
  const { timeoutMs, tls } = options;
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true, ...tls }),
  };

  function send(url: URL, headers: http.OutgoingHttpHeaders, body: string): Promise<FormAnswer> {
    const { request } = url.protocol === 'https:' ? https : http;
    const agent = agents[url.protocol as keyof typeof agents];
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        sent.destroy();
      }, timeoutMs);
      const failed = (error: unknown): void => {
        clearTimeout(timer);
        if (late) reject(new Error(`not within ${timeoutMs} ms`));
        // A connection that the issuer closed while it was idle says nothing about the issuer.
        else if (sent.reusedSocket && isReset(error)) resolve(send(url, headers, body));
        else reject(error instanceof Error ? error : new Error(String(error)));
      };
      const sent = request(url, { method: 'POST', headers, agent }, (response) => {
        readAnswer(response).then((answer) => {
          clearTimeout(timer);
          resolve(answer);
        }, failed);
      });
      sent.on('error', failed);
      sent.end(body);
    });
  }

  return {
    post(url, form, headers) {
      const body = new URLSearchParams(form).toString();
      return send(
        url,
        {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(body)),
          ...headers,
        },
        body,
      );
    },
    close() {
      for (const agent of Object.values(agents))
        for (const sockets of Object.values(agent.freeSockets))
          for (const socket of sockets ?? []) socket.destroy();
    },
  };
}
