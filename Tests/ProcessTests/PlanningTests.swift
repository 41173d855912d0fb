import Foundation
import Testing

extension Processes {
    /// `atoll compare --simulated` as a program: mistakes are named before anything runs, and what it gives is repeatable.
    @Suite struct PlanningTests {
        private func run(_ arguments: [String], in folder: URL = FileManager.default.temporaryDirectory) -> CommandResult {
            LocalCluster.run(["compare"] + arguments, environment: [:], in: folder)
        }

        @Test(arguments: [
            (["--simulated", "--map", "mars"], "map mars: there is none of that name"),
            (["--simulated", "--regions", "us-east-1,us-east-9"], "region us-east-9: the map aws has no such region; did you mean"),
            (["--simulated", "--primary", "sa-east-1"], "--primary sa-east-1: is not among the simulated regions"),
            (["--simulated", "-w", "podcasts"], "workload podcasts: there is none of that name; did you mean podcast?"),
            (["--simulated", "--nodes-per-region", "0"], "--nodes-per-region 0: give 1 to 9"),
            (["--simulated", "--costs", "missing.json"], "--costs missing.json: cannot be read"),
            (["--simulated", "--sweep", "rtt"], "give a parameter and its values, such as rtt=0.5,1,2"),
            (["--simulated", "--sweep", "speed=1,2"], "speed: no such parameter; known: home, regions, rtt, file-size"),
            (["--simulated", "--sweep", "rtt=1,fast"], "rtt=fast: give factors from 0.01 to 100"),
            (["--simulated", "--sweep", "regions=3,300"], "regions=300: give numbers from 1 to"),
            (["--simulated", "--sweep", "home=us-east-1,moon"], "region moon: the map aws has no such region"),
            (["--simulated", "--sweep", "file-size=1MiB,2 miles"], "file-size=2 miles: give sizes from 4KiB to 256MiB"),
            (["--simulated", "-w", "small-files", "--sweep", "file-size=1MiB,2MiB"], "no workload of these has large files"),
            (["--simulated", "--sweep", "rtt=1,2", "--advise"], "--sweep and --advise exclude each other"),
            (["--simulated", "--advise", "--clients", "us-east-1"], "--clients us-east-1: is not REGION=COUNT"),
            (
                ["--simulated", "--advise", "--clients", "sa-east-1=3"],
                "--clients sa-east-1=3: is not among the simulated regions ap-northeast-1, eu-west-1, us-east-1; name it in --regions"
            ),
            (["--simulated", "--advise", "--clients", "moon=3"], "region moon: the map aws has no such region"),
            (["--simulated", "--both"], "--live, --simulated and --both exclude each other"),
            (["--seed", "7"], "--seed needs --simulated"),
            (["--simulated", "--nfs", "data"], "--nfs and --volume name file systems of a running cluster"),
            (["--fault-seconds", "0"], "--fault-seconds 0: give 1 to 60"),
            (["--fault-seconds", "5", "--no-faults"], "--fault-seconds and --no-faults exclude each other"),
            (["--both", "--map", "toy"], "--both simulates the cluster's own map"),
        ])
        func mistakesAreNamed(arguments: [String], expected: String) {
            let result = run(arguments)
            #expect(result.status == 2, "\(result.status)")
            #expect(result.errors.contains(expected), "\(result.errors)")
            #expect(result.output.isEmpty)
        }

        @Test func twoProcessesGiveTheSameRows() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-planning-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let arguments = ["--simulated", "--map", "toy", "-w", "shared-cache", "--seed", "3", "--json"]
            let first = run(arguments, in: folder)
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("\"world\" : \"simulated\""))
            let second = run(arguments, in: folder)
            func rows(_ result: CommandResult) -> Substring {
                let text = Substring(result.output)
                return text.range(of: "\"results\"").map { text[$0.lowerBound...] } ?? ""
            }
            #expect(!rows(first).isEmpty)
            // Everything from the results to the end but nothing of the time of day.
            #expect(rows(first) == rows(second))
        }
    }
}
