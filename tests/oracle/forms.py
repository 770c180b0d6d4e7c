"""Every form of instruction that the translator knows, and the compiled functions."""

from tests.oracle.form import Form
from tests.oracle.forms_control import CONTROL, FUNCTIONS
from tests.oracle.forms_data import DATA
from tests.oracle.forms_float import FLOATS
from tests.oracle.forms_mmx import MMX
from tests.oracle.forms_vector import VECTORS
from tests.oracle.forms_x87 import X87

__all__ = ["FORMS", "FUNCTIONS", "Form"]

FORMS: tuple[Form, ...] = DATA + CONTROL + VECTORS + FLOATS + X87 + MMX
