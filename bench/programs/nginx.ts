import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../demo/child.ts';
import { JSON_BODY } from '../exchange.ts';
import type { Opened, Started } from '../opened.ts';
import type { StartPeer } from '../peer.ts';

/** Starts nginx in the foreground with one worker; `configure` gives what stands inside `http {}`. */
async function startNginx(
  opened: Opened,
  place: 'load' | 'peer',
  name: string,
  configure: (port: number) => string,
  at?: number,
): Promise<Started> {
  const [free = 0] = at === undefined ? await freePorts(1) : [];
  const port = at ?? free;
  const dir = await opened.folder();
  const file = join(dir, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${join(dir, kind)};\n`)
    .join('');
  await writeFile(
    file,
    // As root, workers would otherwise be somebody who cannot write here.
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid ${join(dir, 'nginx.pid')};
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_timeout 65s;
  keepalive_requests 100000000;
  client_max_body_size 0;
${temporary}${configure(port)}
}
`,
  );
  const words = ['nginx', '-p', dir, '-c', file, '-e', 'stderr'] as const;
  return await opened.program(place, name, port, [...words]);
}

/**
 * Starts the upstream of every peer: 211 bytes of JSON under each path that ends in `/json`.
 *
 * @param opened what is closed in the end
 * @returns the running nginx, on the generator's core
 */
export function startJsonUpstream(opened: Opened): Promise<Started> {
  return startNginx(
    opened,
    'load',
    'upstream',
    (port) => `  server {
    listen 127.0.0.1:${port};
    location ~ /json$ {
      default_type application/json;
      add_header Cache-Control "private, no-cache";
      add_header ETag '"5f0c-9c1e"';
      add_header Vary Accept;
      add_header X-Content-Type-Options nosniff;
      return 200 '${JSON_BODY}';
    }
    location / { return 404; }
  }`,
  );
}

const forwarding = `proxy_pass http://upstream;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_request_buffering off;`;

const servers = (upstream: string): string => `  upstream upstream {
    server ${new URL(upstream).host};
    keepalive 256;
    keepalive_requests 100000000;
  }`;

/** nginx without any check. */
export const nginxPlain: StartPeer = async (opened, { upstream }) => {
  const name = 'nginx plain';
  const { url, pid } = await startNginx(
    opened,
    'peer',
    name,
    (port) => `${servers(upstream)}
  server {
    listen 127.0.0.1:${port};
    location / {
      ${forwarding}
    }
  }`,
  );
  return { name, url, pid, isJit: false, refuses: 'nothing' };
};

/** nginx that asks a small Node program on the same core about each token. */
export const nginxAuthRequest: StartPeer = async (opened, { upstream, authority }) => {
  const name = 'nginx + auth_request';
  const [verifierPort = 0] = await freePorts(1);
  const { publicKeyFile, issuer, audience, scope } = authority;
  const args = [String(verifierPort), publicKeyFile, issuer, audience, scope];
  const verifier = await opened.program('peer', 'verifier', verifierPort, [
    process.execPath,
    'bench/peers/verifier.mjs',
    ...args,
  ]);
  const { url, pid } = await startNginx(
    opened,
    'peer',
    name,
    (port) => `${servers(upstream)}
  upstream verifier {
    server 127.0.0.1:${verifierPort};
    keepalive 256;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      auth_request /verify;
      ${forwarding}
    }
    location = /verify {
      internal;
      proxy_pass http://verifier;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
    }
  }`,
  );
  return { name, url, pid, helpers: [verifier.pid], isJit: true, refuses: 'bad tokens' };
};

/**
 * Starts an nginx that passes for a relay to the app: it answers what tools ask for by itself, with the short
 * JSON, and asks the real relay for all else. What it is measured with is the app's own speed alone.
 *
 * @param opened what is closed in the end
 * @param port where it listens
 * @param relay the real relay's origin
 * @returns the running nginx, on the generator's core
 */
export function startStandInRelay(opened: Opened, port: number, relay: string): Promise<Started> {
  return startNginx(
    opened,
    'load',
    'stand-in relay',
    (bound) => `  server {
    listen 127.0.0.1:${bound};
    location ~ /json$ {
      default_type application/json;
      return 200 '${JSON_BODY}';
    }
    location / {
      proxy_pass ${relay};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
    }
  }`,
    port,
  );
}
