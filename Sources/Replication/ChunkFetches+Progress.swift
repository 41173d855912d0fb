package import Primitives

/// How far a fetch is, for those who ask what a request waits for.
package struct FetchProgress: Hashable, Sendable {
    /// Chunks that are not here yet, of those looked at.
    package var missing = 0
    /// Who is asked for one of them now, ascending; and who was asked in vain, with the last reason.
    package var asked: [NodeID] = []
    package var failed: [FetchFailure.Attempt] = []
}

extension ChunkFetches {
    /// Looks at so many chunks of one waiter and no more: the answer is for people.
    private static let looked = 1_024

    /// Nil where nobody of that name waits.
    package func progress(of waiter: ChunkWaiterID) -> FetchProgress? {
        guard let waiting = waiters[waiter] else { return nil }
        var out = FetchProgress()
        var asked: Set<NodeID> = []
        for chunk in waiting.chunks.prefix(Self.looked) {
            guard let flight = flights[chunk] else { continue }
            out.missing += 1
            for transfer in flight.transfers { if let node = transfers[transfer]?.source.node { asked.insert(node) } }
            for attempt in flight.tried {
                out.failed.removeAll { $0.node == attempt.node }
                out.failed.append(attempt)
            }
        }
        out.asked = asked.sorted()
        out.failed.sort { $0.node < $1.node }
        return out
    }
}
