import NodeCore
import Primitives
import Storage
import Synchronization
import Transport

// What `/metrics` shows (docs/reference/metrics.md): counters of the core, the store, the log and
// the links, as they stand.

extension LiveNode {
    func metrics(_ view: NodeView) -> [NodeStatus.Metric] {
        core(view.counters) + storage() + links() + life.withLock { $0.moreMetrics }.flatMap { $0() }
    }

    private func counter(_ name: String, _ help: String, _ value: some BinaryInteger, _ labels: [(String, String)] = [])
        -> NodeStatus.Metric
    {
        NodeStatus.Metric(name: "atoll_\(name)", help: help, kind: .counter, labels: labels, value: Double(value))
    }

    private func gauge(_ name: String, _ help: String, _ value: some BinaryInteger, _ labels: [(String, String)] = []) -> NodeStatus.Metric
    {
        NodeStatus.Metric(name: "atoll_\(name)", help: help, kind: .gauge, labels: labels, value: Double(value))
    }

    private func core(_ counters: Counters) -> [NodeStatus.Metric] {
        let buffers = data.buffers.load
        return [
            counter("events_total", "Events handled by the node's core.", counters.events),
            counter("operations_total", "File operations begun.", counters.operations),
            counter("operation_failures_total", "File operations that failed.", counters.operationFailures),
            counter("compounds_served_total", "Compounds executed for network file systems.", counters.compoundsServed),
            counter("proposals_total", "Proposals given to Raft by this node as leader.", counters.proposals),
            counter("entries_applied_total", "Log entries applied.", counters.entriesApplied),
            counter("wide_area_round_trips_total", "Waits for another region by file operations.", counters.wideAreaRoundTrips),
            counter("wide_area_bytes_total", "Bytes that crossed regions for file operations.", counters.wideAreaBytes),
            counter("call_retries_total", "Requests to leaders that were sent again.", counters.callRetries),
            counter("leader_queries_total", "Voters asked who leads, because a leader did not answer.", counters.leaderQueries),
            counter("chunks_fetched_from_afar_total", "Chunks fetched from another region for a read.", counters.chunksFetchedFromAfar),
            counter("snapshots_saved_total", "Snapshots of state machines saved.", counters.snapshotsSaved),
            counter("adoptions_failed_total", "Copies of chunks that could not be brought home.", counters.adoptionsFailed),
            counter("background_commits_total", "Commits of what sessions had staged, made for them.", counters.backgroundCommits),
            counter(
                "background_commits_failed_total", "Of these, those that failed; what they held stays staged.",
                counters.backgroundCommitsFailed),
            counter("chunk_rounds_total", "Rounds of upkeep over all names.", counters.chunkRounds),
            counter("chunks_missing_total", "Chunks found missing in them.", counters.chunksMissing),
            counter("chunks_repaired_total", "Of these, chunks brought back.", counters.chunksRepaired),
            counter("chunk_sweeps_total", "Sweeps of the store for chunks that nobody names.", counters.sweeps),
            counter("chunk_sweeps_held_back_total", "Rounds without one: not all names are known here.", counters.sweepsHeldBack),
            counter("chunks_swept_total", "Chunks deleted because nobody named them.", counters.chunksSwept),
            counter("chunk_bytes_swept_total", "Their bytes as stored.", counters.bytesSwept),
            gauge("buffers", "Buffers held for requests under way.", buffers.count),
            gauge("buffer_bytes", "Bytes of those buffers.", buffers.bytes),
        ]
    }

    private func storage() -> [NodeStatus.Metric] {
        let log = log.statistics()
        var out = [
            counter("log_syncs_total", "fdatasync calls of the write-ahead log.", log.syncs),
            counter("log_bytes_total", "Bytes appended to the write-ahead log.", log.appendedBytes),
            counter("log_sync_nanoseconds_total", "Time spent in those calls.", log.syncNanoseconds),
            gauge("log_segments", "Segments of the write-ahead log.", log.segments),
        ]
        guard let chunks = try? data.store.statistics() else { return out }
        out += [
            gauge("chunks", "Chunks stored here.", chunks.chunks),
            gauge("chunk_raw_bytes", "Their bytes before compression.", chunks.rawBytes),
            gauge("chunk_stored_bytes", "Their bytes as stored.", chunks.storedBytes),
            gauge("chunk_pack_bytes", "Bytes of all packs, dead ones included.", chunks.packBytes),
            counter("chunk_pack_bytes_freed_total", "Bytes of packs given back to the disk.", chunks.freedBytes),
            counter("chunk_cache_hits_total", "Reads of chunks from memory.", chunks.cacheHits),
            counter("chunk_cache_misses_total", "Reads of chunks from disk.", chunks.cacheMisses),
            counter("chunk_duplicates_total", "Chunks that were stored already.", chunks.duplicateHits),
            gauge("chunks_quarantined", "Chunks set apart because their bytes decayed.", chunks.quarantined),
        ]
        return out
    }

    private func links() -> [NodeStatus.Metric] {
        var out: [NodeStatus.Metric] = []
        for peer in network.statistics {
            for (lane, counters) in [("control", peer.control), ("bulk", peer.bulk)] {
                let labels = [("peer", "\(peer.peer.rawValue)"), ("region", peer.region?.name ?? ""), ("lane", lane)]
                out.append(counter("link_bytes_out_total", "Bytes sent to a peer.", counters.bytesOut, labels))
                out.append(counter("link_bytes_in_total", "Bytes received from a peer.", counters.bytesIn, labels))
                out.append(counter("link_messages_out_total", "Messages sent to a peer.", counters.messagesOut, labels))
                out.append(counter("link_refused_total", "Messages refused because a queue was full.", counters.refusedFull, labels))
            }
        }
        return out
    }
}
