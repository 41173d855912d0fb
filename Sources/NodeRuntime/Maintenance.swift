import Dispatch
import Logging
import Storage

/// The chunk store's upkeep, at bounded rates on a thread of its own: re-reading what is stored, so
/// that decay is found before the chunk is needed (it is set apart then, and fetched anew from
/// another copy when it is read), and rewriting packs that are mostly holes.
final class Maintenance: Sendable {
    /// Seconds between two steps.
    private static let period = 10
    /// Bytes of live chunks that one step of compaction moves at most.
    private static let compactionBytes = 64 << 20

    private nonisolated(unsafe) let timer: any DispatchSourceTimer

    init(store: ChunkStore, scrubBytesPerSecond: UInt64, logger: Logger) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "atoll.maintenance", qos: .background))
        let budget = Int(clamping: scrubBytesPerSecond) * Self.period
        timer.schedule(deadline: .now() + 60, repeating: .seconds(Self.period), leeway: .seconds(1))
        timer.setEventHandler {
            do throws(StorageError) {
                let step = try store.scrub(budget: budget)
                for finding in step.findings { logger.warning("decay found", metadata: ["where": "\(finding)"]) }
                _ = try store.compact(budget: Self.compactionBytes)
            } catch {
                logger.warning("upkeep of the chunk store failed", metadata: ["error": "\(error)"])
            }
        }
        timer.activate()
    }

    func stop() { timer.cancel() }
}
