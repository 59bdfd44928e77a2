/** Exit codes of a client command. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error whose message is meant for the person at the terminal, with the exit code it leads to. */
export class ClientError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.refused) {
    super(message);
    this.name = 'ClientError';
    this.exitCode = exitCode;
  }
}

/** What the command names is not there. */
export class MissingError extends ClientError {}

/** The command line cannot be carried out as written. `usage` is printed before the message. */
export class UsageError extends ClientError {
  readonly usage: string | undefined;

  constructor(message: string, usage?: string) {
    super(message, EXIT.usage);
    this.name = 'UsageError';
    this.usage = usage;
  }
}

/** No sign-in: settings are missing, wrong, or the service does not answer. */
export class ConnectError extends ClientError {
  constructor(message: string) {
    super(message, EXIT.unreachable);
    this.name = 'ConnectError';
  }
}
