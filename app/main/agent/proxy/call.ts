import type { ServerResponse } from 'node:http';
import type { ForwardPlan, ForwardResult } from '../../../../wire/forward-plan.ts';
import type { Framing } from '../../../../wire/framing.ts';
import type { HeaderList } from '../../../../wire/headers.ts';
import type { KeptBody } from '../../../../wire/kept-body.ts';
import type { Target } from '../../../../wire/target.ts';
import type { CarriedTrace } from '../../../../wire/trace.ts';
import type { AuditFields } from '../../../../audit/record.ts';
import type { LocalHost } from './entrance.ts';
import type { GrantedKey } from './proxy-deps.ts';
import type { RunningCall } from './under-way.ts';

/** One request of a tool, and its story. */
export interface Call {
  /** Each try has one of its own; the tool gets the last one's. */
  requestId: string;
  readonly trace: CarriedTrace;
  readonly target: Target;
  readonly host: LocalHost;
  readonly framing: Framing;
  readonly raw: HeaderList;
  /** Whether it asks for one of our own pages. */
  readonly isPage: boolean;
  /** The listed origin that asks, if one does. */
  readonly origin?: string;
  /** Who asks, as far as it is known by now. */
  readonly tool: () => NonNullable<AuditFields['tool']>;
  /** The key that the tool showed, if any. */
  readonly key?: GrantedKey;
  /** Whether it has records of its own already. */
  admitted?: boolean;
}

/** The tool's connection, as far as carrying a call goes. */
export interface ToolSide {
  readonly running: Pick<RunningCall, 'gone' | 'leaver' | 'register'>;
  /** What came of the body, so that it can be sent once more. */
  readonly kept: KeptBody;
  /** Sends the call to the relay, and the answer to the tool unless the plan keeps it back. */
  run(plan: ForwardPlan): Promise<ForwardResult>;
  /** The answer, for what was kept back. */
  response(): ServerResponse;
}
