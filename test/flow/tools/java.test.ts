import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { skipWithout, useTools } from '../../support/tools.ts';

/** Java's client asks to go on with HTTP/2 (`Upgrade: h2c`) on each new connection unless told otherwise. */
const SOURCE = `
import java.net.URI;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.*;

public class Tool {
  static String base;

  static void show(String name, HttpResponse<String> answer, String wanted) {
    System.out.println(name + " " + answer.version() + " " + answer.statusCode() + " " + answer.body().contains(wanted));
  }

  public static void main(String[] args) throws Exception {
    base = args[0];
    URI echo = URI.create(base + "/echo");
    var sent = HttpRequest.newBuilder(echo).header("Content-Type", "application/json");
    HttpClient fresh = HttpClient.newHttpClient();
    show("post", fresh.send(sent.POST(BodyPublishers.ofString("{\\"a\\":1}")).build(), BodyHandlers.ofString()), "\\"bytes\\": 7");
    HttpClient byDefault = HttpClient.newHttpClient();
    show("get", byDefault.send(HttpRequest.newBuilder(URI.create(base + "/invoices")).build(), BodyHandlers.ofString()), "INV-1002");
    var stream = BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(new byte[300000]));
    show("chunked", byDefault.send(sent.PUT(stream).build(), BodyHandlers.ofString()), "\\"bytes\\": 300000");
    HttpClient one = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    show("http/1.1", one.send(sent.expectContinue(true).POST(BodyPublishers.ofString("abc")).build(), BodyHandlers.ofString()), "\\"bytes\\": 3");
    var heard = new CompletableFuture<String>();
    WebSocket socket = byDefault.newWebSocketBuilder().buildAsync(URI.create(base.replace("http", "ws") + "/live"), new WebSocket.Listener() {
      public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
        if (text.toString().equals("hello")) heard.complete("hello");
        from.request(1);
        return null;
      }
    }).get(60, TimeUnit.SECONDS);
    socket.sendText("hello", true);
    System.out.println("websocket " + heard.get(60, TimeUnit.SECONDS));
    System.exit(0);
  }
}
`;

describe('Java HttpClient', { skip: skipWithout('javac', 'default-jdk-headless') }, () => {
  const bench = useTools();

  test('is served as HTTP/1.1 by default and when asked to; WebSockets work', async () => {
    const { home, localhost, run } = bench();
    const file = join(home, 'Tool.java');
    await writeFile(file, SOURCE);
    const args = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', file, `${localhost}/billing`];
    const { stdout, stderr } = await run('java', args, { timeoutMs: 240_000 });
    assert.deepEqual(
      stdout.trim().split('\n'),
      [
        'post HTTP_1_1 200 true',
        'get HTTP_1_1 200 true',
        'chunked HTTP_1_1 200 true',
        'http/1.1 HTTP_1_1 200 true',
        'websocket hello',
      ],
      stderr,
    );
  });
});
