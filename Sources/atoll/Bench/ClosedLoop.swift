import Filesystem
import Foundation

/// Clients that each send their next request when the last was answered, for so long.
struct ClosedLoop: Sendable {
    let clients: Int
    let bound: Duration

    /// Of all clients together.
    static let countMaximum = 2_000_000
    /// A client that meets so many failures gives up.
    static let failureMaximum = 100

    struct Outcome: Sendable {
        var clients: Int
        var latencies: Latencies
        /// From the first request to the last answer.
        var seconds: Double
        var failures = 0
        var firstFailure: String?

        /// Fewer than five answers a client: the loop was too short, or too slow, to tell a steady state.
        var isTooShort: Bool { latencies.count < 5 * clients }

        var perSecond: Double { seconds > 0 ? Double(latencies.count) / seconds : 0 }
    }

    private struct Share: Sendable {
        var times: [Int64] = []
        var failures = 0
        var firstFailure: String?
    }

    /// `operation` takes the number of the client and of its request.
    func run(_ operation: @Sendable @escaping (_ client: Int, _ number: Int) async throws -> Void) async throws -> Outcome {
        let began = BenchClock.nanoseconds
        let clock = ContinuousClock()
        let end = clock.now + bound
        let limit = max(1, Self.countMaximum / clients)
        let shares = await withTaskGroup(of: Share.self) { group in
            for client in 0..<clients {
                group.addTask {
                    var share = Share()
                    for number in 0..<limit {
                        // The first is sent in any case: otherwise clients that begin late would go unseen.
                        guard number == 0 || clock.now < end, !Task.isCancelled, share.failures < Self.failureMaximum else { break }
                        let start = BenchClock.nanoseconds
                        do {
                            try await operation(client, number)
                            share.times.append(BenchClock.nanoseconds - start)
                        } catch {
                            share.failures += 1
                            if share.firstFailure == nil { share.firstFailure = (error as? FileFailure)?.cause ?? "\(error)" }
                            try? await Task.sleep(for: .milliseconds(10))
                        }
                    }
                    return share
                }
            }
            var shares: [Share] = []
            for await share in group { shares.append(share) }
            return shares
        }
        try Task.checkCancellation()
        return Outcome(
            clients: clients, latencies: Latencies(shares.flatMap(\.times)), seconds: Double(BenchClock.nanoseconds - began) / 1e9,
            failures: shares.reduce(0) { $0 + $1.failures }, firstFailure: shares.lazy.compactMap(\.firstFailure).first)
    }

    /// Does something once for each of `count`, at most `width` at the same time.
    static func forEach(_ count: Int, width: Int = 32, _ body: @Sendable @escaping (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= width { try await group.next() }
                group.addTask { try await body(number) }
            }
            try await group.waitForAll()
        }
    }
}
