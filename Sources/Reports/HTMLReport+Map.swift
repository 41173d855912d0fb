internal import Foundation

// Two drawings, one for wide and one for narrow screens, so that letters keep their size.
extension HTMLReport {
    func mapSection() -> String {
        """
        <section id="map"><h2>Where things are</h2>
        <p>Round trips as the cluster measured them (in brackets: the map’s). The ring marks the primary region: the network file \
        system lives there and nowhere else; the volume lives in all of them.</p>
        <div class="figure-box wide-only">\(RegionDrawing(map: report.map).svg(width: 1_000, height: 400))</div>
        <div class="figure-box narrow-only">\(RegionDrawing(map: report.map).svg(width: 360, height: 300))</div>
        </section>

        """
    }

    func r(_ value: Double) -> String { SVG.number(value) }

    func text(
        _ content: String, _ x: Double, _ y: Double, anchor: String, size: Int, weight: Int = 400, className: String = "",
        isHalo: Bool = false
    ) -> String {
        SVG.text(content, x, y, anchor: anchor, size: size, weight: weight, className: className, isHalo: isHalo)
    }
}
