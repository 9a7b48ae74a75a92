/** What a group tells about itself. */
import persistentPb from '@eventstore/db-client/generated/persistent_pb.js';
import type { Consumer, PersistentGroup } from '../persistent-subscriptions/group.js';
import { sequenceText, startFromText } from '../persistent-subscriptions/settings.js';

export function infoMessage(group: PersistentGroup): Buffer {
  const { stream, group: name, settings } = group.config;
  const info = new persistentPb.SubscriptionInfo();
  info.setEventSource(stream);
  info.setGroupName(name);
  info.setStatus(group.status);
  info.setConnectionsList(group.consumers.map(connectionInfo));
  info.setResolveLinkTos(settings.resolveLinks);
  info.setStartFrom(startFromText(stream, settings.startFrom));
  info.setMessageTimeoutMilliseconds(settings.messageTimeoutMs);
  info.setExtraStatistics(settings.extraStatistics);
  info.setMaxRetryCount(settings.maxRetryCount);
  info.setLiveBufferSize(settings.liveBufferSize);
  info.setBufferSize(settings.historyBufferSize);
  info.setReadBatchSize(settings.readBatchSize);
  info.setCheckPointAfterMilliseconds(settings.checkpointAfterMs);
  info.setMinCheckPointCount(settings.minCheckpointCount);
  info.setMaxCheckPointCount(settings.maxCheckpointCount);
  info.setMaxSubscriberCount(settings.maxSubscriberCount);
  info.setNamedConsumerStrategy(settings.strategy);
  info.setTotalItems(String(group.totalItems));
  info.setCountSinceLastMeasurement('0');
  info.setReadBufferCount(group.bufferedCount);
  info.setLiveBufferCount('0');
  info.setRetryBufferCount(group.retryCount);
  info.setTotalInFlightMessages(group.outstanding);
  info.setOutstandingMessagesCount(group.outstanding);
  info.setParkedMessageCount(String(group.streams.parkedCount));
  if (group.lastKnown >= 0) info.setLastKnownEventPosition(sequenceText(stream, group.lastKnown));
  if (group.checkpointed !== undefined) info.setLastCheckpointedEventPosition(sequenceText(stream, group.checkpointed));
  return Buffer.from(info.serializeBinary());
}

function connectionInfo(consumer: Consumer): persistentPb.SubscriptionInfo.ConnectionInfo {
  const info = new persistentPb.SubscriptionInfo.ConnectionInfo();
  info.setFrom(consumer.info.from);
  info.setUsername(consumer.info.username);
  info.setConnectionName(consumer.info.connectionName);
  info.setTotalItems(String(consumer.total));
  info.setCountSinceLastMeasurement('0');
  info.setAvailableSlots(consumer.freeSlots);
  info.setInFlightMessages(consumer.inFlight);
  return info;
}
