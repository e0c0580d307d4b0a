from hypothesis import given, settings, strategies as st
n=0
@given(st.integers())
def test_a(x):
    global n; n+=1
def test_b():
    print(n, settings.default, settings._current_profile)
    assert 0
