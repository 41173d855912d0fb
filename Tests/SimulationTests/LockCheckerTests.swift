import Testing

@testable import Simulation

@Suite struct LockCheckerTests {
    private func check(_ holds: [(Int, Int64, Int64)]) -> String? {
        LockChecker.check(holds.map { LockHold(client: $0.0, from: $0.1 * 1_000_000, until: $0.2 * 1_000_000) })
    }

    @Test func oneHolderAtATime() {
        #expect(check([]) == nil)
        #expect(check([(1, 0, 10), (2, 10, 20), (1, 25, 30)]) == nil)
        // In whatever order they were recorded.
        #expect(check([(1, 25, 30), (2, 10, 20), (1, 0, 10)]) == nil)
        #expect(check([(1, 0, 10), (2, 9, 20)])?.contains("client 2 held 0..<end alone from 9") == true)
        // A long hold covers those that begin within it, not only the next one.
        #expect(check([(1, 0, 100), (2, 100, 110), (3, 105, 106)]) != nil)
        #expect(check([(1, 0, 100), (2, 0, 1)]) != nil)
    }
}
