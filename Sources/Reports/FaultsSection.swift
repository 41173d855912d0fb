/// What each kind did while something was broken: measured (or simulated) spans without success, by
/// client, and whether all that was acknowledged was there afterwards.
package struct FaultsSection: Codable, Sendable, Equatable {
    /// A span from the start of the first operation that failed to the end of the next that succeeded, in
    /// seconds from the beginning of the record.
    package struct Outage: Codable, Sendable, Equatable {
        package var fromS: Double
        package var toS: Double
        /// Of its first failure.
        package var cause: String
        package init(fromS: Double, toS: Double, cause: String) {
            self.fromS = fromS
            self.toS = toS
            self.cause = cause
        }
    }

    /// One client: an operation from a region on a kind, again and again.
    package struct Client: Codable, Sendable, Equatable {
        package var kind: String
        package var region: String
        /// `read` or `write`.
        package var operation: String
        package var attempts: Int
        package var succeeded: Int
        /// Of them, those that ended while the fault held.
        package var succeededMeanwhile: Int
        /// Files whose writing was acknowledged.
        package var acknowledged: Int
        /// All outages together, and the longest.
        package var unavailableMs: Double
        package var longestMs: Double
        package var outages: [Outage]
        /// False where it did not succeed again within a minute.
        package var hasEnded: Bool
        package init(
            kind: String, region: String, operation: String, attempts: Int, succeeded: Int, succeededMeanwhile: Int, acknowledged: Int,
            outages: [Outage], hasEnded: Bool
        ) {
            self.kind = kind
            self.region = region
            self.operation = operation
            self.attempts = attempts
            self.succeeded = succeeded
            self.succeededMeanwhile = succeededMeanwhile
            self.acknowledged = acknowledged
            self.outages = outages
            self.hasEnded = hasEnded
            let spans = outages.map { ($0.toS - $0.fromS) * 1_000 }
            unavailableMs = Figure.rounded(spans.reduce(0, +), 1)
            longestMs = Figure.rounded(spans.max() ?? 0, 1)
        }
    }

    /// One fault. Times are seconds from the moment at which its clients began.
    package struct Record: Codable, Sendable, Equatable {
        /// `partition` or `primary-lost`.
        package var fault: String
        package var region: String
        /// `live` or `simulated`.
        package var world: String
        package var brokenS: Double
        /// When mending began, and when it was done: nodes that are started take a moment.
        package var mendingS: Double
        package var mendedS: Double
        package var endedS: Double
        package var clients: [Client]
        package init(
            fault: String, region: String, world: String, brokenS: Double, mendingS: Double, mendedS: Double, endedS: Double,
            clients: [Client]
        ) {
            self.fault = fault
            self.region = region
            self.world = world
            self.brokenS = brokenS
            self.mendingS = mendingS
            self.mendedS = mendedS
            self.endedS = endedS
            self.clients = clients
        }

        package func client(_ kind: String, _ region: String, _ operation: String) -> Client? {
            clients.first { $0.kind == kind && $0.region == region && $0.operation == operation }
        }
    }

    /// What was acknowledged in all the records of a kind, and read again afterwards.
    package struct Proof: Codable, Sendable, Equatable {
        package var kind: String
        package var world: String
        package var acknowledged: Int
        /// Read whole and right in each of `readIn`.
        package var found: Int
        package var readIn: [String]
        /// At most 20 of those that were not.
        package var missing: [String]
        package init(kind: String, world: String, acknowledged: Int, found: Int, readIn: [String], missing: [String]) {
            self.kind = kind
            self.world = world
            self.acknowledged = acknowledged
            self.found = found
            self.readIn = readIn
            self.missing = missing
        }
    }

    package var records: [Record] = []
    package var proofs: [Proof] = []
    /// Why there were no faults, or not all of them; null where there were.
    package var leftOut: String?
    /// Why the cluster may be broken still; the report does not hold it, whoever ran the comparison says it.
    package var unmended: String?
    package init() {}

    /// The records that the report speaks of, as with results: measured ones, simulated where nothing was measured.
    package var mainRecords: [Record] {
        let live = records.filter { $0.world == "live" }
        return live.isEmpty ? records : live
    }
    package var mainProofs: [Proof] {
        let live = proofs.filter { $0.world == "live" }
        return live.isEmpty ? proofs : live
    }

    /// What the simulator said of a measured client.
    package func predicted(_ record: Record, _ client: Client) -> Client? {
        guard record.world == "live" else { return nil }
        return records.first { $0.world == "simulated" && $0.fault == record.fault && $0.region == record.region }?
            .client(client.kind, client.region, client.operation)
    }
}
