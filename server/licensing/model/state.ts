import { LicetError } from '../errors.ts';

/**
 * The life of a thing as data: from which states an event may happen and where it leads. Each machine stands beside its
 * type; the use cases only name events, so that there is one place to read what is possible.
 */
export type Machine<State extends string, Event extends string> = {
  readonly thing: string;
  readonly transitions: Readonly<Record<Event, { readonly from: readonly State[]; readonly to: State }>>;
};

/** The state after `event`, or a conflict that says what the thing is and from where the event is possible. */
export function next<State extends string, Event extends string>(
  machine: Machine<State, Event>,
  state: State,
  event: Event,
): State {
  const { from, to } = machine.transitions[event];
  if (from.includes(state)) return to;
  throw new LicetError(
    'conflict',
    'TRANSITION_REFUSED',
    `This ${machine.thing} is ${state}; "${event}" is possible only when it is ${from.join(' or ')}.`,
  );
}
