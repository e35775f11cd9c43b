import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { useTools } from '../../support/tools.ts';
import { until } from '../../support/until.ts';

const sessions = new Map<string, StreamableHTTPServerTransport>();
const methods: string[] = [];
const servers: McpServer[] = [];

/** A server with sessions, as the SDK's examples build it. */
async function newSession(): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  const server = new McpServer(
    { name: 'billing', version: '1.0.0' },
    { capabilities: { logging: {} } },
  );
  server.registerTool('count', { description: 'Counts to three.' }, async (extra) => {
    for (let progress = 1; progress <= 3; progress++) {
      const params = { progressToken: extra._meta?.progressToken ?? 0, progress, total: 3 };
      await extra.sendNotification({ method: 'notifications/progress', params });
    }
    return { content: [{ type: 'text', text: 'three' }] };
  });
  await server.connect(transport);
  servers.push(server);
  return transport;
}

const api = createServer((request, response) => {
  methods.push(request.method ?? '');
  const id = String(request.headers['mcp-session-id'] ?? '');
  void (async () => {
    const transport = sessions.get(id) ?? (id === '' ? await newSession() : undefined);
    if (transport === undefined) response.writeHead(404).end();
    else await transport.handleRequest(request, response);
  })();
});

describe('the MCP SDK over streamable HTTP', () => {
  const bench = useTools({ name: 'mcp', server: api });

  test(
    'keeps a session, calls a tool with progress, hears the server, and ends the session',
    { timeout: 120_000 },
    async () => {
      const transport = new StreamableHTTPClientTransport(new URL(`${bench().localhost}/mcp`));
      const client = new Client({ name: 'tool', version: '1.0.0' });
      const said = Promise.withResolvers<unknown>();
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) =>
        said.resolve(params.data),
      );
      await client.connect(transport);
      try {
        assert.ok(sessions.has(transport.sessionId ?? ''));
        const { tools } = await client.listTools();
        assert.deepEqual(
          tools.map(({ name }) => name),
          ['count'],
        );

        const progress: number[] = [];
        const result = await client.callTool({ name: 'count' }, undefined, {
          onprogress: (at) => progress.push(at.progress),
          timeout: 60_000,
        });
        assert.deepEqual(result.content, [{ type: 'text', text: 'three' }]);
        assert.deepEqual(progress, [1, 2, 3]);

        // Not in answer to anything: on the stream that the client holds open with GET.
        await until('the stream that the client holds open', () => methods.includes('GET'));
        await servers[0]?.sendLoggingMessage({ level: 'info', data: 'news' });
        assert.equal(await said.promise, 'news');

        await transport.terminateSession();
        assert.equal(sessions.size, 0);
        assert.ok(methods.includes('DELETE'));
      } finally {
        await client.close();
      }
    },
  );
});
