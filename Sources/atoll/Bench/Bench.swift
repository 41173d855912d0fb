import ArgumentParser

/// `atoll bench …`: what this machine allows, and what Atoll makes of it, measured in one run.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure chunks, consensus, the namespace, gossip and the simulator on this machine.",
        subcommands: [BenchChunks.self, BenchRaft.self, BenchNamespace.self, BenchGossip.self, BenchSimulator.self])

    /// Said beside every figure of a program that was built without optimisation.
    static let buildNote: String? = {
        #if DEBUG
            "This program is a debug build: its figures say nothing of a release build."
        #else
            nil
        #endif
    }()

    static let build = buildNote == nil ? "release" : "debug"
}
