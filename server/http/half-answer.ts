import type { RequestListener, ServerResponse } from 'node:http';

/** For a drill: whatever was done for a client, it hears half of it. `cut` is called when that half is on its way. */
export function halfAnswers(listener: RequestListener, cut: () => void): RequestListener {
  return (request, response) => {
    if (request.method === 'POST') response.end = halved(response, cut);
    listener(request, response);
  };
}

function halved(response: ServerResponse, cut: () => void): ServerResponse['end'] {
  const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
  return (...given: unknown[]) => {
    const [body] = given;
    const isWhole = typeof body !== 'string' && !(body instanceof Uint8Array);
    if (isWhole || response.statusCode >= 300) return end(...given);
    const bytes = Buffer.from(body as string);
    response.write(bytes.subarray(0, bytes.length >> 1), () => {
      cut();
      response.write(bytes.subarray(bytes.length >> 1));
      end();
    });
    return response;
  };
}
