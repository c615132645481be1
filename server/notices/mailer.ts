import type { Transporter } from 'nodemailer';
import type { Outcome } from '../licensing/model/delivery.ts';
import type { Mail, Mailer } from '../licensing/notices/ports.ts';

export type MailerOptions = {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly from: string;
  /** PEM: who vouches for the mail server, beside nobody. */
  readonly ca?: string | undefined;
};

const TIMES = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 20_000,
  dnsTimeout: 10_000,
} as const;
/** What would end a header, or an address, and begin another. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** Mail by SMTP, as plain text. */
export function createMailer({ from, ...server }: MailerOptions): Mailer {
  let transport: Promise<Transporter> | undefined;
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return {
    async send({ to, subject, text, id }: Mail): Promise<Outcome> {
      if (CONTROL.test(to) || CONTROL.test(subject)) return refused('The mail has control characters in its header.');
      try {
        transport ??= transportTo(server);
        await (
          await transport
        ).sendMail({
          from,
          // As an object, so that nothing in it is read as a list or a name.
          to: { name: '', address: to },
          subject,
          text,
          ...(id !== undefined && { messageId: `<${id}@${domain}>` }),
          // RFC 3834: nobody's absence notice answers this.
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        return { result: 'delivered', answer: 250 };
      } catch (error) {
        return outcomeOf(error as Error & { responseCode?: number; command?: string });
      }
    },
  };
}

/** Loaded where mail is sent: 6 MB that a server without mail does not hold. */
async function transportTo(server: Omit<MailerOptions, 'from'>): Promise<Transporter> {
  const { host, port, security, user, password, ca } = server;
  const { createTransport } = await import('nodemailer');
  return createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
    disableFileAccess: true,
    disableUrlAccess: true,
    ...TIMES,
  });
}

function outcomeOf({ message, responseCode, command }: Error & { responseCode?: number; command?: string }): Outcome {
  // RFC 5321 4.2.1: 5yz is for good. Of the recipient, that is: whoever signs in wrongly is repaired by a person.
  const isFinal = command === 'RCPT TO' && responseCode !== undefined && responseCode >= 500;
  // What a mail server says may name the recipient; its number and our command do not.
  const error = responseCode === undefined ? message : `The mail server answers ${responseCode} to ${command ?? 'us'}.`;
  return { result: 'failed', answer: responseCode, error, isFinal };
}

const refused = (error: string): Outcome => ({ result: 'failed', answer: undefined, error, isFinal: true });
