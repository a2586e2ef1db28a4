import type { WebhookEventType, WebhookEvent } from '@switchboard/contracts';
import type { DELIVERY_STATES } from './inputs/webhook-input';
import type { ManagedBy } from './tenant-view';

export interface WebhookView {
  id: string;
  /** Null: it is told of all tenants. */
  tenant: string | null;
  /** Without its query, which may hold a token. */
  url: string;
  hasQuery: boolean;
  events: WebhookEventType[];
  trustedNetwork: boolean;
  active: boolean;
  /** `gone`: its receiver answered 410. */
  inactiveReason: string | null;
  /** False: secret and query are sealed under a key that is no longer there; it must be made anew. */
  secretsReadable: boolean;
  managedBy: ManagedBy;
  createdAt: string;
  updatedAt: string;
}

/** `secret`: of its signatures, shown this once. */
export interface NewWebhookView extends WebhookView {
  secret: string;
}

/** One event to one webhook. */
export interface DeliveryView {
  id: string;
  webhook: string;
  status: (typeof DELIVERY_STATES)[number];
  attempts: number;
  /** Null where there is none to come. */
  nextAttemptAt: string | null;
  lastAttemptAt: string | null;
  /** HTTP status; null where there was no answer. */
  lastStatus: number | null;
  /** How the last answer began, or why there was none. */
  lastError: string | null;
  deliveredAt: string | null;
  createdAt: string;
  /** As it is posted. */
  event: WebhookEvent;
}
