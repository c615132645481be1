const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Times = { readonly buckets: number[]; sum: number; count: number };
/** `requests` by method, then by the first digit of the status. */
type RouteRecord = { readonly requests: Map<string, number[]>; readonly times: Times };

/**
 * Requests by route, method and class of status, and how long they took. By hand, because prom-client builds a name out
 * of the labels at each call, and that is felt where an answer takes twenty microseconds: here each request is a few
 * additions, and the text is made when it is asked for.
 */
export class RequestMetrics {
  readonly #routes = new Map<string, RouteRecord>();

  /** The labels come from closed sets. */
  add({ method, route, status }: { method: string; route: string; status: number }, seconds: number): void {
    let record = this.#routes.get(route);
    if (record === undefined) this.#routes.set(route, (record = newRecord()));
    let requests = record.requests.get(method);
    if (requests === undefined) record.requests.set(method, (requests = Array<number>(10).fill(0)));
    requests[Math.floor(status / 100)]! += 1;
    const { times } = record;
    times.count += 1;
    times.sum += seconds;
    for (let i = 0; i < BUCKETS.length; i += 1) {
      if (seconds > BUCKETS[i]!) continue;
      times.buckets[i]! += 1;
      break;
    }
  }

  /** The Prometheus text format. */
  text(): string {
    return [...this.#counts(), ...this.#durations(), ''].join('\n');
  }

  *#counts(): Generator<string> {
    const name = 'licet_http_requests_total';
    const help =
      'Requests of the public listener that are over, by route template and status class; 499 counts as 4xx.';
    yield* head(name, help, 'counter');
    for (const [route, { requests }] of this.#routes) {
      for (const [method, counts] of requests) {
        for (const [status, count] of counts.entries()) {
          if (count > 0) yield `${name}{method="${method}",route="${route}",status="${status}xx"} ${count}`;
        }
      }
    }
  }

  *#durations(): Generator<string> {
    const name = 'licet_http_request_duration_seconds';
    yield* head(name, 'Time from the headers of a request to the last byte of its answer.', 'histogram');
    for (const [route, { times }] of this.#routes) {
      let below = 0;
      for (const [i, bound] of BUCKETS.entries()) {
        yield `${name}_bucket{le="${bound}",route="${route}"} ${(below += times.buckets[i]!)}`;
      }
      yield `${name}_bucket{le="+Inf",route="${route}"} ${times.count}`;
      yield `${name}_sum{route="${route}"} ${times.sum}`;
      yield `${name}_count{route="${route}"} ${times.count}`;
    }
  }
}

function newRecord(): RouteRecord {
  return { requests: new Map(), times: { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 } };
}

function* head(name: string, help: string, type: string): Generator<string> {
  yield `# HELP ${name} ${help}`;
  yield `# TYPE ${name} ${type}`;
}
