import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { listenOnLoopback } from './listen.ts';
import type { DemoServer } from './listen.ts';

const payslips = [
  { id: '2026-08', person: 'Alice Archer', gross: 4200 },
  { id: '2026-09', person: 'Bob Baker', gross: 4100 },
  { id: '2026-10', person: 'Carol Carver', gross: 4300 },
];

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function xml(body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${body}\n`;
}

function element(payslip: (typeof payslips)[number]): string {
  return `<payslip id="${payslip.id}"><person>${payslip.person}</person><gross currency="EUR">${payslip.gross}</gross></payslip>`;
}

/**
 * Starts the demo's payroll API on loopback: an old application that knows one technical account, by HTTP
 * Basic, and answers XML. People never learn that password; the relay shows it in their place.
 *
 * @param options the account, and a port, 0 or absent for any free one
 * @returns its URL and how to stop it
 * @see RFC 7617
 */
export async function createLegacy(options: {
  readonly port?: number;
  readonly username: string;
  readonly password: string;
}): Promise<DemoServer> {
  const account = Buffer.from(`${options.username}:${options.password}`).toString('base64');
  const expected = digest(`Basic ${account}`);

  function send(response: ServerResponse, status: number, text: string, type = 'text/xml'): void {
    response.writeHead(status, {
      'Content-Type': `${type}; charset=utf-8`,
      Server: 'Payroll/2.3 (demo)',
    });
    response.end(text);
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
      response.setHeader('WWW-Authenticate', 'Basic realm="payroll"');
      return send(response, 401, 'payroll: technical account required\n', 'text/plain');
    }
    const path = request.url?.split('?')[0] ?? '';
    if (path === '/payslips') {
      return send(response, 200, xml(`<payslips>${payslips.map(element).join('')}</payslips>`));
    }
    const payslip = payslips.find(({ id }) => path === `/payslips/${id}`);
    if (payslip === undefined) return send(response, 404, xml('<error>not found</error>'));
    return send(response, 200, xml(element(payslip)));
  }

  return listenOnLoopback(createServer(answer), options.port ?? 0);
}
