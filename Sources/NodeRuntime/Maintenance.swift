import Dispatch
import Logging
import Primitives
import Storage

/// The chunk store's upkeep, at bounded rates on a thread of its own: re-reading what is stored, so
/// that decay is found before the chunk is needed (it is set apart then, and fetched anew from
/// another copy), rewriting packs that are mostly holes, and keeping what open stages have stored.
final class Maintenance: Sendable {
    /// Seconds between two steps.
    private static let period = 5
    /// Steps before scrubbing begins: a node that starts has better things to do.
    private static let calm = 12
    /// Bytes of live chunks that one step of compaction moves at most.
    private static let compactionBytes = 32 << 20

    private nonisolated(unsafe) let timers: [any DispatchSourceTimer]

    /// `decayed` is called after chunks were found that are to be fetched anew; `touchStages` once in each `touchSpan`.
    init(
        store: ChunkStore, scrubBytesPerSecond: UInt64, touchSpan: Duration, logger: Logger, touchStages: @escaping @Sendable () -> Void,
        decayed: @escaping @Sendable () -> Void
    ) {
        let queue = DispatchQueue(label: "atoll.maintenance", qos: .background)
        let budget = Int(clamping: scrubBytesPerSecond) * Self.period
        let steps = DispatchSource.makeTimerSource(queue: queue)
        nonisolated(unsafe) var count = 0
        steps.schedule(deadline: .now() + .seconds(Self.period), repeating: .seconds(Self.period), leeway: .seconds(1))
        steps.setEventHandler {
            count += 1
            do throws(StorageError) {
                let reclaimed = try store.compact(budget: Self.compactionBytes)
                if reclaimed.removedPacks > 0 { logger.info("space given back", metadata: ["bytes": "\(reclaimed.freedBytes)"]) }
                guard count > Self.calm else { return }
                let step = try store.scrub(budget: budget)
                for finding in step.findings { logger.warning("decay found", metadata: ["where": "\(finding)"]) }
                if !step.corrupt.isEmpty { decayed() }
            } catch {
                logger.warning("upkeep of the chunk store failed", metadata: ["error": "\(error)"])
            }
        }
        let touches = DispatchSource.makeTimerSource(queue: queue)
        let span = DispatchTimeInterval.milliseconds(Int(clamping: touchSpan.inNanoseconds / 1_000_000))
        touches.schedule(deadline: .now() + span, repeating: span)
        touches.setEventHandler(handler: touchStages)
        timers = [steps, touches]
        for timer in timers { timer.activate() }
    }

    func stop() { for timer in timers { timer.cancel() } }
}
