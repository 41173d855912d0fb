import Testing

@testable import Simulation

/// Long runs: what replicas drop for its age was seen before, and stands in for it at the end.
@Suite struct VersionWitnessTests {
    private func versions(_ numbers: ClosedRange<UInt64>) -> [VolumeChecker.Version] {
        numbers.map { VolumeChecker.Version(number: $0, commit: nil, files: [:]) }
    }

    @Test(
        arguments: [
            (1...6, 5...9, Array(1...9)),  // dropped for its age
            (1...6, 1...9, Array(1...9)),  // nothing was dropped
            (1...9, 3...6, Array(1...6)),  // fell back: what was seen above is not made up for
        ] as [(ClosedRange<UInt64>, ClosedRange<UInt64>, [UInt64])])
    func whatWasSeenStandsBeforeWhatIsKept(seen: ClosedRange<UInt64>, kept: ClosedRange<UInt64>, expected: [UInt64]) {
        #expect(VolumeChecker.joined(seen: versions(seen), kept: versions(kept)).map(\.number) == expected)
    }

    @Test func aReplicaThatFellBackToNothingHasNothing() {
        #expect(VolumeChecker.joined(seen: versions(1...9), kept: []).isEmpty)
    }
}
