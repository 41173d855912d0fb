/// Faults built into the storage on purpose, to see that its checkers see them. For tests only: nothing but
/// `atoll simulate storage --mutant` and tests set one.
package enum StorageMutant: String, CaseIterable, Sendable {
    /// The log acknowledges what it has not synced.
    case logNotSynced = "log-not-synced"
    /// The name of a new segment of the log is not made durable.
    case logDirectoryNotSynced = "log-directory-not-synced"
    /// Batches of the log are taken without a look at their checksums.
    case logChecksumIgnored = "log-checksum-ignored"
    /// The last batch, which may be in memory only, counts as durable because it was read.
    case logTailTrusted = "log-tail-trusted"
    /// A segment of the log goes before what is needed of it is written again.
    case logReclaimedEarly = "log-reclaimed-early"
    /// The chunk store acknowledges what it has not synced.
    case packNotSynced = "pack-not-synced"
    /// The name of a new pack is not made durable.
    case packDirectoryNotSynced = "pack-directory-not-synced"
    /// A chunk is given out without a look at its hash.
    case packChecksumIgnored = "pack-checksum-ignored"
    /// The index names chunks that are not durable yet.
    case indexBeforeData = "index-before-data"
    /// A new pack gets the number of a removed one, which the index remembers again after a crash.
    case packNumberReused = "pack-number-reused"
    /// A pack goes before the index that names the copies of its chunks is durable.
    case packRetiredEarly = "pack-retired-early"
}
