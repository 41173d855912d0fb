import Foundation
import Namespace
import Primitives
import Testing

@Suite struct DebugTests {
    @Test func range() throws {
        guard let text = ProcessInfo.processInfo.environment["SEEDS"] else { return }
        let parts = text.split(separator: ",").map { UInt64($0)! }
        for seed in parts[0]..<parts[1] { try NamespaceMergeTests().nothingIsLostInSilence(seed: seed); try NamespaceMergeTests().malformedChangesAreHarmless(seed: seed) ; try NamespaceMergeTests().aloneACommitIsExact(seed: seed) }
    }
}
